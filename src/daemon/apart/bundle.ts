/** A control plane with all that it imports, as one module, so that its process needs no files. */
import { SourceMap } from 'node:module'
import { join } from 'node:path'
import { ROOT } from '../cubes/staging.ts'

export interface Bundle {
  readonly code: string
  /** Stacks of its process, as the lines of it are in the sources. */
  readonly inSources: (text: string) => string
}

/** An Error where it cannot be compiled. */
export async function bundled(folder: string): Promise<Bundle> {
  const { build, stop } = await import('esbuild')
  const building = build({
    stdin: {
      contents: `import plane from './control.ts'
import { runApart } from ${JSON.stringify(join(ROOT, 'src/daemon/apart/process.ts'))}
runApart(plane)`,
      resolveDir: folder,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    outdir: folder,
    sourcemap: 'external',
    sourcesContent: false,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'silent',
    tsconfigRaw: { compilerOptions: { target: 'es2023', verbatimModuleSyntax: true } },
  })
  // Its process would stay as long as this thread, with more memory than the control plane has.
  const { outputFiles } = await building.finally(stop)
  const textOf = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
  const map = textOf('.map')
  return { code: textOf('.js'), inSources: (text) => inSources(text, map, folder) }
}

/** What Node.js calls a module that comes by a pipe, and where in it a call is. */
const CALL = /(?:file:\/+)?\[eval1\]:(\d+):(\d+)/g

function inSources(text: string, map: string, folder: string): string {
  if (!text.includes('[eval1]')) return text
  const sources = new SourceMap(JSON.parse(map))
  return text.replace(CALL, (call: string, line: string, column: string) => {
    const found = sources.findEntry(Number(line) - 1, Number(column) - 1)
    if (!('originalSource' in found)) return call
    return `${join(folder, found.originalSource)}:${found.originalLine + 1}:${found.originalColumn + 1}`
  })
}
