#!/usr/bin/env node
// Node.js 20 does not read TypeScript by itself; tsx teaches it to.
import { register } from 'tsx/esm/api'

register()
const { main } = await import('../src/cli/main.ts')
process.exitCode = await main(process.argv.slice(2))
