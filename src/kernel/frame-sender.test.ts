import { expect, test } from 'vitest'
import { describeKernel, frame, inScratch } from './fixtures.ts'
import { FrameSender } from './frame-sender.ts'

describeKernel('a sender of frames', () => {
  test('says of all frames how many were not taken, however many calls they went with', () => {
    inScratch([['out', 'in']], () => {
      using sender = FrameSender.open('out')
      for (let number = 0; number < 200; number++) sender.add(frame(1, number % 2 === 0 ? 60 : 3_000))
      expect(sender.flush()).toBe(100)
      expect(sender.flush()).toBe(0)
    })
  })
})
