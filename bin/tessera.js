#!/usr/bin/env node
import { load } from './load.js'

process.on('uncaughtException', async (error) => {
  process.exitCode = 1
  const { inSources } = await import('./stack.js')
  process.stderr.write(`${inSources(String(error?.stack ?? error))}\n`)
  process.exit()
})
const { main } = await load('src/cli/main.ts')
process.exitCode = await main(process.argv.slice(2))
