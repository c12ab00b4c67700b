/** What comes, changes and goes at interfaces, in an order in which packets may see it. */
import { type AttachPoint, hookAt } from '../../isa/program.ts'
import { isOfWhole } from '../graph/paths.ts'
import type { Wanted, WantedAttachment } from '../stitch/stitch.ts'
import type { Present, Step, Target } from './plan.ts'
import { isMoved, sized } from './plan-array.ts'

interface Switches {
  readonly before: readonly Step[]
  /** When no packet is in a program any more that `before` has taken the place of. */
  readonly after: readonly Step[]
  /** When packets see all of that: attachments are pinned where they belong. */
  readonly renamed: readonly Step[]
}

/**
 * An interface that has a program, and shall have one that is pinned elsewhere, is without none in between: what is attached there
 * stays, has the other program, and gets the other pin.
 *
 * Beside programs that have what arrives, one that has what leaves would have what they send as well, but for what they mark: it comes
 * `after` those that do, when none is at work any more that does not, and goes first. And where marked packets arrive, they pass
 * before anybody marks any.
 */
export function switches(present: Present, { attachments }: Wanted, loaded: ReadonlySet<string>): Switches {
  const wanted = Object.entries(attachments)
  const stays = (path: string): boolean =>
    path in attachments && present.attachments.has(path) && !isMoved(present, attachments, path)
  const leaving = [...present.attachments].filter(([path]) => !stays(path))
  const holders = new Map(leaving.flatMap(([path, to]) => (isOfWhole(path) ? [] : [[placeOf(to), path] as const])))
  const coming = wanted.filter(([path]) => !stays(path))
  const taken = coming.flatMap(([path, one]) => {
    const from = isOfWhole(path) ? undefined : holders.get(placeOf(one))
    return from === undefined ? [] : [{ path, from, one }]
  })
  const [takers, given] = [new Set(taken.map(({ path }) => path)), new Set(taken.map(({ from }) => from))]
  const attached = coming.filter(([path]) => !takers.has(path))
  const detached = leaving
    .filter(([path]) => !given.has(path) && (path in attachments || !isOfWhole(path)))
    .map(([path, target]) => ({ do: 'detach', path, ...target }) as const)

  const arriving = [...present.attachments.values(), ...Object.values(attachments)]
  const isBeside = arriving.some(({ point }) => point === 'tc ingress')
  const leaves = ({ path, point }: { readonly path: string; readonly point: AttachPoint }): boolean =>
    isBeside && point === 'tc egress' && !isOfWhole(path)
  const places = new Set(attached.flatMap(([, { index, point }]) => (hookAt(point) === 'xdp' ? [index] : [])))
  /** A pin's name is needed, or an interface that has one program for XDP. */
  const isInTheWay = ({ path, index, point }: Target & { readonly path: string }): boolean =>
    path in attachments || (hookAt(point) === 'xdp' && places.has(index))
  const [first, last] = [detached.filter(isInTheWay), detached.filter((step) => !isInTheWay(step))]
  const late = attached.filter(([path, { point }]) => leaves({ path, point }))
  const attach = ([path, one]: readonly [string, WantedAttachment]): Step => ({
    do: 'attach',
    path,
    ...(given.has(path) ? { aside: true } : {}),
    ...targetOf(one),
    ...sized(one.program),
  })
  const exchanged = [
    ...wanted
      .filter(([path]) => stays(path) && loaded.has(path))
      .map(([path, one]) => ({ one, step: { do: 'replace', path, ...targetOf(one), ...sized(one.program) } as const })),
    ...taken.map(({ path, from, one }) => ({
      one,
      step: { do: 'take over', path, from, ...targetOf(one), ...sized(one.program) } as const,
    })),
  ]
  return {
    before: [
      ...first,
      ...last.filter(leaves),
      ...attached.filter((one) => !late.includes(one)).map(attach),
      ...exchanged.filter(({ one }) => one.passesMarked).map(({ step }) => step),
      ...exchanged.filter(({ one }) => !one.passesMarked).map(({ step }) => step),
      ...last.filter((step) => !leaves(step)),
    ],
    after: late.map(attach),
    renamed: [
      ...taken.map(({ path, from, one }): Step => ({ do: 'hand over', path, from, ...targetOf(one) })),
      ...coming.filter(([path]) => takers.has(path) || given.has(path)).map(([path]): Step => ({ do: 'adopt', path })),
    ],
  }
}

const targetOf = ({ interface: on, index, point }: Target): Target => ({ interface: on, index, point })

/** Where an attachment is. */
export const placeOf = ({ index, point }: Omit<Target, 'interface'>): string => `${index} ${point}`
