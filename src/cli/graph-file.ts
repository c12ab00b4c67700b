import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { refusal } from '../base/diagnostic.ts'
import type { Catalogue } from '../cube/catalogue.ts'
import type { GraphFile } from '../engine/graph.ts'
import { readGraph } from '../engine/read.ts'

/** Reads a graph file. `-` is standard input. */
export async function graphFile(file: string, catalogue: Catalogue): Promise<GraphFile> {
  return readGraph(file === '-' ? '(standard input)' : file, readText(file), catalogue)
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') throw refusal(`there is no file ${file}`, `looked for ${resolve(file)}`)
    if (code === 'EISDIR') throw refusal(`${file} is a folder`, 'name a graph file in it')
    throw refusal(`${file} cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}
