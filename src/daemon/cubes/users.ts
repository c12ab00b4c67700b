/** What cubes that change have to do with graphs: those that are wanted go over to them. */
import { join } from 'node:path'
import { ProblemError } from '../../api/problem.ts'
import type { GraphDocument } from '../../cube/document.ts'
import { readDocument } from '../../engine/read/read.ts'
import type { Host } from '../host.ts'
import type { WantedGraphs } from '../service/wanted-graphs.ts'
import type { UsingGraphs } from './registry.ts'

type Graphs = Pick<WantedGraphs, 'get' | 'idle' | 'list' | 'put'>

/** `folder`: where cubes that graphs name by a folder are looked for. */
export const usersOf = (wanted: Graphs, { engineOf }: Pick<Host, 'engineOf'>, folder: string): UsingGraphs => ({
  async using(cube) {
    await wanted.idle()
    return (await wanted.list()).filter(({ document }) => usesCube(document, cube)).map(({ name }) => name)
  },
  async plan(name, catalogue) {
    const found = await wanted.get(name)
    if (found === undefined) return
    await engineOf(catalogue).plan(await readDocument(join(folder, name), found.document, catalogue))
  },
  apply: (name) => applyTo(wanted, name),
})

/** Somebody else's change may come in between: it is what is wanted then. */
async function applyTo(wanted: Graphs, name: string): Promise<void> {
  for (;;) {
    const found = await wanted.get(name)
    if (found === undefined) return
    try {
      await wanted.put(name, found.document, { revision: found.revision })
      return
    } catch (error) {
      if (!(error instanceof ProblemError) || error.problem.status !== 412) throw error
    }
  }
}

const usesCube = ({ instances }: GraphDocument, cube: string): boolean =>
  Object.values(instances).some((instance) => instance.cube === cube)
