#!/usr/bin/env node
import { loadCommand } from './load.js'

process.on('uncaughtException', async (error) => {
  process.exitCode = 1
  // Of a module that refuses to be loaded: it says all there is to say.
  if (error?.name === 'Refusal') {
    process.stderr.write(`${error.message}\n`)
    process.exit()
  }
  const { inSources } = await import('./stack.js')
  process.stderr.write(`${inSources(String(error?.stack ?? error))}\n`)
  process.exit()
})
// Whoever read has seen enough, as `head` has: 128 and the number of SIGPIPE, as shells say it.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error
  // Who has things to put in order hears of it as well, and ends by itself.
  if (process.stdout.listenerCount('error') === 1) process.exit(141)
})
const words = process.argv.slice(2)
const { main } = await loadCommand(words[0])
process.exitCode = await main(words)
