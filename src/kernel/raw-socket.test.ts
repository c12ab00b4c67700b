import { expect, test } from 'vitest'
import { describeKernel, frame, inScratch } from './fixtures.ts'
import { changeLink, deleteLink } from './netlink/link.ts'
import { RawSocket, waitFor } from './raw-socket.ts'

/** `frame` with an 802.1Q or 802.1ad tag behind its addresses. */
const tagged = (tpid: number, tci: number): Uint8Array => {
  const plain = frame(5)
  return Uint8Array.of(...plain.subarray(0, 12), tpid >> 8, tpid & 0xff, tci >> 8, tci & 0xff, ...plain.subarray(12))
}

function withPair(run: (a: RawSocket, b: RawSocket) => void): void {
  inScratch([['a', 'b']], () => {
    const sockets = ['a', 'b'].map((name) => RawSocket.open(name))
    try {
      run(sockets[0]!, sockets[1]!)
    } finally {
      for (const socket of sockets) socket[Symbol.dispose]()
    }
  })
}

describeKernel('packet sockets', () => {
  test.each([
    { what: 'an Ethernet header', sent: frame(1, 14) },
    { what: 'a short frame', sent: frame(1, 60) },
    { what: 'a full frame', sent: frame(2, 1514) },
    { what: 'a VLAN tag with priority', sent: tagged(0x8100, 0xe00a) },
    { what: 'a priority tag', sent: tagged(0x8100, 0x6000) },
    { what: 'a service tag', sent: tagged(0x88a8, 100) },
    { what: 'two tags', sent: Uint8Array.of(...tagged(0x88a8, 7).subarray(0, 16), ...tagged(0x8100, 8).subarray(12)) },
  ])('$what comes out of the other end as it went in', ({ sent }) => {
    withPair((a, b) => {
      a.send(sent)
      expect(b.receive(5000)).toEqual(sent)
      expect(b.receive()).toBeUndefined()
    })
  })

  test('what is sent here is not received here', () => {
    withPair((a, b) => {
      a.send(frame(1))
      b.send(frame(2))
      expect([a.receive(5000), b.receive(5000)]).toEqual([frame(2), frame(1)])
      expect([a.receive(), b.receive()]).toEqual([undefined, undefined])
    })
  })

  test('a burst is received whole and in order', () => {
    withPair((a, b) => {
      const burst = Array.from({ length: 500 }, (_, i) => frame(i & 0xff, 60 + i))
      for (const each of burst) a.send(each)
      expect(burst.map(() => b.receive(5000))).toEqual(burst)
    })
  })

  test('waiting names the sockets that have something', () => {
    withPair((a, b) => {
      expect(waitFor([a, b], 0)).toEqual([])
      a.send(frame(1))
      expect(waitFor([a, b], 60_000)).toEqual([b])
    })
  })

  test('an interface that is gone receives nothing and sends nothing', () => {
    withPair((a, b) => {
      deleteLink('a')
      expect(b.receive(1000)).toBeUndefined()
      expect(() => a.send(frame(1))).toThrow(/send a frame of 60 bytes on "a": (ENODEV|ENXIO|ENETDOWN)/)
    })
  })

  test.each([
    {
      what: 'a frame on an interface that is down',
      run: (a: RawSocket) => [changeLink('a', { up: false }), a.send(frame(1))],
      says: /ENETDOWN .*\n.*up first/,
    },
    { what: 'a frame longer than the MTU', run: (a: RawSocket) => a.send(frame(1, 1600)), says: /EMSGSIZE .*\n.*MTU/ },
    { what: 'an interface that is not there', run: () => RawSocket.open('c'), says: /no interface "c"/ },
  ])('$what is refused', ({ run, says }) => {
    withPair((a) => expect(() => run(a)).toThrow(says))
  })
})
