/** A bridge compiled here runs in a browser: programs are data, and the virtual machine needs no Node.js. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
// Comes with tsx.
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVirtualHost } from '../../src/daemon/host.ts'
import { addInterfaces } from '../../src/daemon/network.ts'
import { readGraph } from '../../src/engine/read/read.ts'
import { packet } from '../../src/testing/index.ts'
import * as here from '../browser/page.ts'
import { ROOT } from './host.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)

const frame = (from: number, to: number, payload: string) => [
  ...packet()
    .ethernet({ source: `02:00:00:00:00:0${from}`, destination: `02:00:00:00:00:0${to}` })
    .ipv4()
    .udp()
    .payload(payload)
    .bytes(),
]

/** Of the page, as far as it matters here. */
interface PageGlobals {
  readonly tessera: typeof here
  readonly document: { readonly body: { append(text: string): void } }
}

/** What the page needs of Node.js: a graph, compiled. */
async function compileBridge(): Promise<here.Experiment> {
  const file = join(ROOT, 'examples/bridge.yaml')
  using host = openVirtualHost()
  const graph = await readGraph(file, readFileSync(file, 'utf8'), host.catalogue)
  addInterfaces(host.machine, graph.graph)
  const { wanted, actions } = await host.engine.plan(graph)
  return {
    change: { wanted, actions },
    interfaces: ['tess-alice', 'tess-bob', 'tess-carol'],
    frames: [
      { to: 'tess-alice', frame: frame(1, 2, 'flooded') },
      { to: 'tess-bob', frame: frame(2, 1, 'to alice') },
      { to: 'tess-alice', frame: frame(1, 2, 'to bob') },
      { to: 'tess-carol', frame: frame(3, 3, 'to itself') },
    ],
  }
}

const reason = CHROMIUM === undefined ? ' (not installed: chromium)' : ''

describe.skipIf(CHROMIUM === undefined)(`in a browser${reason}`, () => {
  let browser: Browser
  let page: Page
  const wrong: string[] = []

  beforeAll(async () => {
    const bundled = await build({
      entryPoints: [join(ROOT, 'test/browser/page.ts')],
      bundle: true,
      write: false,
      // As for any page: whatever of Node.js were left in it would be an error here.
      platform: 'browser',
      format: 'iife',
      globalName: 'tessera',
      target: 'chrome120',
    })
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] })
    page = await browser.newPage()
    page.on('pageerror', ({ message }) => wrong.push(message))
    page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()))
    await page.addScriptTag({ content: bundled.outputFiles[0]?.text ?? '' })
  })
  afterAll(() => browser?.close())

  test('packets run through the bridge, and the page shows what came out', async () => {
    const experiment = await compileBridge()
    const out = await page.evaluate((given) => {
      const { tessera, document } = globalThis as unknown as PageGlobals
      const shown = tessera.runFrames(given)
      for (const [name, frames] of Object.entries(shown)) document.body.append(`${name}: ${frames.length} `)
      return shown
    }, experiment)
    expect(wrong).toEqual([])
    const hex = (at: number) => Buffer.from(experiment.frames[at]?.frame ?? []).toString('hex')
    expect(out).toEqual({
      'tess-alice': [hex(1)],
      'tess-bob': [hex(0), hex(2)],
      'tess-carol': [hex(0)],
    })
    expect(await page.innerText('body')).toBe('tess-bob: 2 tess-carol: 1 tess-alice: 1')
    expect(out).toEqual(here.runFrames(experiment))
  })

  test('simulated hosts talk to each other there', async () => {
    const experiment = await compileBridge()
    const answered = await page.evaluate((given) => {
      const { tessera } = globalThis as unknown as PageGlobals
      return tessera.talk(given)
    }, experiment)
    expect(wrong).toEqual([])
    expect(answered).toEqual([true, true, true])
  })
})
