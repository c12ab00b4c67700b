import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Interface, Machine } from '../backend/machine.ts'
import { Refusal } from '../base/diagnostic.ts'
import { TC_ACT, XDP_ACTION } from '../isa/opcodes.ts'
import { type AttachPoint, hookAt } from '../isa/program.ts'
import { ATTACH_TYPE, createLink, queryAttached, XDP_MODE } from './bpf.ts'
import { close } from './ffi.ts'
import {
  asm,
  bytes32,
  describeKernel,
  eventually,
  frame,
  inScratch,
  program,
  redirecting,
  returning,
  scratch,
  u32,
  u64,
} from './fixtures.ts'
import { kernelProgram } from './links.ts'
import { type KernelOptions, openKernelMachine } from './machine.ts'
import { createNamespace, inNamespace, removeNamespace } from './namespace.ts'
import { addFilter, filters, replaceFilter } from './netlink/filter.ts'
import { changeLink, createVeth, deleteLink, linkNamed } from './netlink/link.ts'
import { addClsact, deleteClsact, ingressQdiscs } from './netlink/qdisc.ts'
import { pin, pinned, unpin } from './pins.ts'
import { KernelProgram } from './programs.ts'
import { RawSocket, waitFor } from './raw-socket.ts'

const root = scratch('machine')
const path = `${root}/edge`

/** in ↔ entry, where programs are attached, and left ↔ left-end, right ↔ right-end, where they may send to. */
const PAIRS = [
  ['in', 'entry'],
  ['left', 'left-end'],
  ['right', 'right-end'],
] as const

describeKernel('attachments', () => {
  let machine: Machine
  let point: AttachPoint

  afterEach(() => {
    machine[Symbol.dispose]()
    for (const leftover of pinned(root)) unpin(leftover)
  })

  const interfaceOf = (name: string): Interface => {
    const found = machine.interface(name)
    if (found === undefined) throw new Error(`no interface ${name}`)
    return found
  }

  /** Loads a program that sends everything to `name`. */
  const to = (name: string) => machine.load(redirecting(interfaceOf(name).index, `to-${name}`, hookAt(point)), {})

  /** Where a frame that arrives at `entry`, or leaves by it, comes out. */
  function whereTo(content: number): 'left' | 'right' | 'nowhere' {
    const sockets = { left: RawSocket.open('left-end'), right: RawSocket.open('right-end') }
    const sender = RawSocket.open(point === 'tc egress' ? 'entry' : 'in')
    try {
      sender.send(frame(content))
      const arrived = waitFor(Object.values(sockets), 60_000)
      const where = arrived[0] === sockets.left ? 'left' : arrived[0] === sockets.right ? 'right' : 'nowhere'
      if (where !== 'nowhere') expect(sockets[where].receive()).toEqual(frame(content))
      return where
    } finally {
      for (const socket of [sender, ...Object.values(sockets)]) socket[Symbol.dispose]()
    }
  }

  describe.each<{ options: KernelOptions; at: AttachPoint }>([
    { options: { attach: 'tcx' }, at: 'tc ingress' },
    { options: { attach: 'clsact' }, at: 'tc ingress' },
    { options: { attach: 'tcx' }, at: 'tc egress' },
    { options: { attach: 'clsact' }, at: 'tc egress' },
    { options: {}, at: 'xdp generic' },
  ])('at $at by $options.attach', ({ options, at }) => {
    beforeEach(() => {
      machine = openKernelMachine(options)
      point = at
    })

    test('packets take the way of the program, then of the one that replaced it', () => {
      inScratch(PAIRS, () => {
        const attachment = machine.attach(to('left'), interfaceOf('entry'), path, at)
        expect(attachment.interface).toMatchObject({ name: 'entry', up: true })
        expect([attachment.point, machine.openAttachment(path)?.point]).toEqual([at, at])
        expect(whereTo(1)).toBe('left')
        attachment.replace(to('right'))
        expect(whereTo(2)).toBe('right')
        expect(machine.pinned(root)).toEqual([path])
        attachment.detach()
        expect(machine.pinned(root)).toEqual([])
        expect(isAttached('entry')).toBe(false)
      })
    })

    test('a program stays when everything of this process is let go of, and is found again', () => {
      inScratch(PAIRS, () => {
        const attachment = machine.attach(to('left'), interfaceOf('entry'), path, at)
        attachment[Symbol.dispose]()
        machine[Symbol.dispose]()
        expect(whereTo(1)).toBe('left')
        const again = machine.openAttachment(path)
        expect(again?.interface.name).toBe('entry')
        again?.replace(to('right'))
        expect(whereTo(2)).toBe('right')
        machine.openAttachment(path)?.detach()
        expect(isAttached('entry')).toBe(false)
      })
    })

    test('a program stays when its process is killed', () => {
      inScratch(PAIRS, () => {
        const child = inChild(`
          const machine = openKernelMachine(${JSON.stringify(options)})
          const program = machine.load(redirecting(machine.interface('left').index, 'child', '${hookAt(at)}'), {})
          machine.attach(program, machine.interface('entry'), '${path}', '${at}')
          process.kill(process.pid, 'SIGKILL')`)
        expect(child).toMatchObject({ signal: 'SIGKILL', stderr: '' })
        expect(whereTo(1)).toBe('left')
        machine.openAttachment(path)?.detach()
        expect(isAttached('entry')).toBe(false)
      })
    })

    test('where the interface is gone, there is no attachment, and room for a new one', () => {
      inScratch(PAIRS, () => {
        machine.attach(to('left'), interfaceOf('entry'), path, at)
        deleteLink('entry')
        expect(machine.openAttachment(path)).toBeUndefined()
        createVeth({ name: 'in' }, { name: 'entry' })
        for (const name of ['in', 'entry']) changeLink(name, { silent: true, up: true })
        const again = machine.attach(to('right'), interfaceOf('entry'), path, at)
        expect(whereTo(1)).toBe('right')
        again.detach()
        expect(machine.pinned(root)).toEqual([])
      })
    })

    test('where the interface is in another namespace, there is none either, and nothing is undone', () => {
      const elsewhere = scratch('elsewhere')
      createNamespace(elsewhere)
      try {
        inScratch(PAIRS, () => {
          machine.attach(to('left'), interfaceOf('entry'), path, at)
          inNamespace(elsewhere, () => {
            createVeth({ name: 'other' }, { name: 'other-end' })
            expect(machine.openAttachment(path)).toBeUndefined()
          })
          expect(whereTo(1)).toBe('left')
          machine.openAttachment(path)?.detach()
          expect(machine.pinned(root)).toEqual([])
        })
      } finally {
        removeNamespace(elsewhere)
      }
    })

    test('a program stays where it is while its pin moves, and is found there', () => {
      inScratch(PAIRS, () => {
        machine.inBulk(() => {
          const attachment = machine.attach(to('right'), interfaceOf('entry'), path, at)
          expect(machine.openAttachment(path)?.interface.name).toBe('entry')
          attachment.replace(to('left'))
          expect(machine.openAttachment(path)?.interface.name).toBe('entry')
          machine.movePin(path, `${root}/aside/edge`)
          expect([machine.openAttachment(path), pinned(root)]).toEqual([undefined, [`${root}/aside/edge`]])
          machine.movePin(`${root}/aside/edge`, `${root}/other`)
        })
        expect(whereTo(1)).toBe('left')
        const found = machine.openAttachment(`${root}/other`)
        expect(found).toMatchObject({ interface: { name: 'entry' }, point: at })
        found?.replace(to('right'))
        expect(whereTo(2)).toBe('right')
        expect(machine.foreign(interfaceOf('entry'), at)).toEqual([])
        found?.detach()
        expect([isAttached('entry'), pinned(root), ingressQdiscs()]).toEqual([false, [], []])
      })
    })

    test('a program goes with its pin', () => {
      inScratch(PAIRS, () => {
        machine.attach(to('left'), interfaceOf('entry'), path, at)[Symbol.dispose]()
        machine.unpin(path)
        expect(machine.pinned(root)).toEqual([])
        expect(eventually(() => !isAttached('entry'))).toBe(true)
      })
    })

    test('a second attachment at the same path is refused, and leaves the first alone', () => {
      inScratch(PAIRS, () => {
        const attachment = machine.attach(to('left'), interfaceOf('entry'), path, at)
        expect(() => machine.attach(to('right'), interfaceOf('in'), path, at)).toThrow(/EEXIST .*\n.*unpin it first/)
        expect(isAttached('in')).toBe(false)
        expect(whereTo(1)).toBe('left')
        attachment.detach()
      })
    })

    test('what is ours is not foreign', () => {
      inScratch(PAIRS, () => {
        expect(machine.foreign(interfaceOf('entry'), at)).toEqual([])
        machine.attach(to('left'), interfaceOf('entry'), path, at)
        expect(machine.foreign(interfaceOf('entry'), at)).toEqual([])
        machine.openAttachment(path)?.detach()
      })
    })

    test('a program for another hook is refused', () => {
      inScratch(PAIRS, () => {
        const other = hookAt(at) === 'tc' ? 'xdp generic' : 'tc ingress'
        expect(() => machine.attach(to('left'), interfaceOf('entry'), path, other)).toThrow(Refusal)
        expect(machine.pinned(root)).toEqual([])
      })
    })
  })

  describe.each([{ attach: 'tcx' }, { attach: 'clsact' }] as const)('by $attach', (options: KernelOptions) => {
    beforeEach(() => {
      machine = openKernelMachine(options)
      point = 'tc ingress'
    })

    test('what is not ours is foreign', () => {
      inScratch(PAIRS, () => {
        const entry = interfaceOf('entry')
        expect(machine.foreign(entry, 'tc ingress')).toEqual([])
        machine.attach(to('left'), entry, path, 'tc ingress')
        expect(machine.foreign(entry, 'tc ingress')).toEqual([])

        const other = KernelProgram.load(returning(TC_ACT.ok, 'other'), {})
        if (ingressQdiscs().length === 0) addClsact(entry.index)
        addFilter(entry.index, 'ingress', other.fd, 'somebody else')
        expect(machine.foreign(entry, 'tc ingress')).toEqual(['bpf filter "somebody else"'])
        const link = createLink(other.fd, entry.index, ATTACH_TYPE.tcx_ingress)
        expect(machine.foreign(entry, 'tc ingress')).toEqual([
          expect.stringMatching(/^tcx program \d+ "other"$/),
          'bpf filter "somebody else"',
        ])
        close(link)
        other[Symbol.dispose]()
        machine.openAttachment(path)?.detach()
        // A filter of somebody else keeps its qdisc.
        expect(filters(entry.index, 'ingress').map(({ name }) => name)).toEqual(['somebody else'])
      })
    })
  })

  describe('by clsact, after a process was killed', () => {
    beforeEach(() => {
      machine = openKernelMachine({ attach: 'clsact' })
      point = 'tc ingress'
    })

    test('with the pin made and no filter: there is no attachment, and room for one', () => {
      inScratch(PAIRS, () => {
        pin(path, KernelProgram.load(returning(0), {}).fd)
        expect(machine.openAttachment(path)).toBeUndefined()
        machine.attach(to('left'), interfaceOf('entry'), path, 'tc ingress').detach()
        expect(pinned(root)).toEqual([])
      })
    })

    test('with the qdisc made and no filter: it is ours, and goes with the attachment', () => {
      inScratch(PAIRS, () => {
        addClsact(interfaceOf('entry').index)
        machine.attach(to('left'), interfaceOf('entry'), path, 'tc ingress').detach()
        expect(ingressQdiscs()).toEqual([])
      })
    })

    test('with the filter replaced and the pin not: the new program is what is found', () => {
      inScratch(PAIRS, () => {
        machine.attach(to('left'), interfaceOf('entry'), path, 'tc ingress')
        const filter = filters(interfaceOf('entry').index, 'ingress')[0]!
        replaceFilter(filter, kernelProgram(to('right')).fd)
        const attachment = machine.openAttachment(path)
        expect(whereTo(1)).toBe('right')
        attachment?.replace(to('left'))
        expect(whereTo(2)).toBe('left')
        attachment?.detach()
        expect([pinned(root), ingressQdiscs()]).toEqual([[], []])
      })
    })

    test('with the pin moved and the filter not, or that as well but for the old pin: moving it again does the rest', () => {
      inScratch(PAIRS, () => {
        machine.attach(to('left'), interfaceOf('entry'), path, 'tc ingress')
        pin(`${root}/other`, kernelProgram(to('right')).fd)
        machine.movePin(path, `${root}/other`)
        expect([machine.openAttachment(path), pinned(root)]).toEqual([undefined, [`${root}/other`]])
        pin(path, kernelProgram(to('right')).fd)
        expect([machine.openAttachment(path), machine.openAttachment(`${root}/other`)]).toEqual([
          undefined,
          expect.objectContaining({ point: 'tc ingress' }),
        ])
        machine.unpin(path)
        expect(whereTo(1)).toBe('left')
        machine.openAttachment(`${root}/other`)?.detach()
        expect([pinned(root), ingressQdiscs()]).toEqual([[], []])
      })
    })

    test('with the filter there and the pins gone: attaching again takes its place', () => {
      inScratch(PAIRS, () => {
        machine.attach(to('left'), interfaceOf('entry'), path, 'tc ingress')
        unpin(path)
        const attachment = machine.attach(to('right'), interfaceOf('entry'), path, 'tc ingress')
        expect(filters(interfaceOf('entry').index, 'ingress')).toHaveLength(1)
        expect(whereTo(1)).toBe('right')
        attachment.detach()
        expect(ingressQdiscs()).toEqual([])
      })
    })

    test("somebody else's qdisc stays", () => {
      inScratch(PAIRS, () => {
        const { index } = interfaceOf('entry')
        addClsact(index)
        const other = KernelProgram.load(returning(-1, 'other'), {})
        addFilter(index, 'ingress', other.fd, 'somebody else')
        machine.attach(to('left'), interfaceOf('entry'), path, 'tc ingress').detach()
        expect(ingressQdiscs()).toEqual([{ interface: index, kind: 'clsact' }])
        expect(deleteClsact(index)).toBe(true)
        expect(deleteClsact(index)).toBe(false)
      })
    })
  })

  test('an XDP program is attached to a driver, replaced and found again', () => {
    machine = openKernelMachine()
    inScratch(PAIRS, () => {
      const pass = program([asm.mov(0, XDP_ACTION.pass), asm.exit], { hook: 'xdp', name: 'pass' })
      machine.attach(machine.load(pass, {}), interfaceOf('entry'), path, 'xdp native')
      const again = machine.openAttachment(path)
      expect(again).toMatchObject({ interface: { name: 'entry' }, point: 'xdp native' })
      again?.replace(machine.load(pass, {}))
      expect(machine.foreign(interfaceOf('entry'), 'xdp native')).toEqual([])
      again?.detach()
      expect(machine.openAttachment(path)).toBeUndefined()
    })
  })

  test('an XDP program of somebody else is foreign', () => {
    machine = openKernelMachine()
    inScratch(PAIRS, () => {
      const { index } = interfaceOf('entry')
      const other = KernelProgram.load(
        program([asm.mov(0, XDP_ACTION.pass), asm.exit], { hook: 'xdp', name: 'other' }),
        {},
      )
      const link = createLink(other.fd, index, ATTACH_TYPE.xdp, XDP_MODE.generic)
      const [found] = machine.foreign(interfaceOf('entry'), 'xdp native')
      expect(found).toMatch(/^XDP program \d+ "other" \(generic\)$/)
      expect(machine.foreign(interfaceOf('entry'), 'tc ingress')).toEqual([])
      close(link)
      other[Symbol.dispose]()
    })
  })

  test('veths are not trusted to redirect natively', () => {
    inScratch(PAIRS, () => {
      machine = openKernelMachine()
      expect(machine.xdpPoint([interfaceOf('entry')])).toBe('xdp generic')
    })
  })

  test('a devmap takes interfaces that are there, and forgets those that go', () => {
    machine = openKernelMachine()
    inScratch(PAIRS, () => {
      const map = machine.createMap('exits', { kind: 'devmap', key: u32, value: u32, entries: 4 })
      const { index } = interfaceOf('left')
      map.update(bytes32(1), bytes32(index))
      expect(map.entries()).toEqual([[bytes32(1), bytes32(index)]])
      expect(() => map.update(bytes32(2), bytes32(0x7fff_fff0))).toThrow(
        'the interface with the number 2147483632 went away meanwhile',
      )
      deleteLink('left')
      expect(eventually(() => map.lookup(bytes32(1)) === undefined)).toBe(true)
    })
  })

  test('an interface is looked up in the namespace of the moment', () => {
    machine = openKernelMachine()
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 7)
    expect(machine.interface('entry-7')).toBeUndefined()
    inScratch([], () => {
      createVeth({ name: 'entry-7', mac }, { name: 'peer' })
      expect(machine.interface('entry-7')).toMatchObject({ name: 'entry-7', up: false, mac })
    })
    expect(machine.interface('entry-7')).toBeUndefined()
  })

  test('a path with a map is no attachment', () => {
    machine = openKernelMachine()
    machine.createMap('map', { kind: 'hash', key: u32, value: u64, entries: 1 }).pin(path)
    expect(() => machine.openAttachment(path)).toThrow(/is a map and no attachment/)
  })

  test('the clock is the one that a program reads', () => {
    machine = openKernelMachine()
    const clock = { kind: 'array', key: u32, value: u64, entries: 1 } as const
    const map = machine.createMap('clock', clock)
    // counters[0] = bpf_ktime_get_ns()
    const reading = program(
      [asm.call('ktime_get_ns'), asm.mapValue(1, 'clock', 0), asm.atomicAdd(1, 0), asm.mov(0, 0), asm.exit],
      { maps: { clock } },
    )
    const before = machine.now()
    machine.load(reading, { clock: map }).run(frame(1))
    const read = new DataView(map.lookup(new Uint8Array(4))!.buffer).getBigUint64(0, true)
    expect(read >= before && read <= machine.now()).toBe(true)
  })
})

const isAttached = (name: string): boolean => {
  const { index, xdp } = linkNamed(name)
  const programs = [ATTACH_TYPE.tcx_ingress, ATTACH_TYPE.tcx_egress].map((type) => queryAttached(index, type))
  return (
    programs.some((one) => typeof one === 'number' || one.length > 0) ||
    ingressQdiscs().some((qdisc) => qdisc.interface === index) ||
    Object.keys(xdp).length > 0
  )
}

/** Runs in another process of this namespace. */
function inChild(script: string) {
  const file = (name: string) => JSON.stringify(new URL(name, import.meta.url).href)
  const imports = `
    import { openKernelMachine } from ${file('./machine.ts')}
    const redirecting = (index, name, hook) => ({
      name, hook, maps: {}, lines: [], stack: 0,
      instructions: [[0xb7, 1, index], [0xb7, 2, 0], [0x85, 0, 23], [0x95, 0, 0]]
        .map(([opcode, dst, imm]) => ({ opcode, dst, src: 0, offset: 0, imm })),
    })`
  const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', `${imports}\n${script}`]
  return spawnSync(process.execPath, args, { encoding: 'utf8' })
}
