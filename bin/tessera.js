#!/usr/bin/env node
import { loadCommand } from './load.js'

process.on('uncaughtException', async (error) => {
  process.exitCode = 1
  const { inSources } = await import('./stack.js')
  process.stderr.write(`${inSources(String(error?.stack ?? error))}\n`)
  process.exit()
})
const words = process.argv.slice(2)
const { main } = await loadCommand(words[0])
process.exitCode = await main(words)
