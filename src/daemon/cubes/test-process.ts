/** What runs in the process that runs the tests of a cube: all of its files, one after the other. Ends with 1 where one fails. */
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type File, startTests, type Task, type VitestRunner } from '@vitest/runner'
import { beginTest, endTest } from './test-kit.ts'

const [, , folder = '.'] = process.argv

/** Milliseconds of one test, on a machine that may be busy. */
const PATIENCE = 60_000

const runner: VitestRunner = {
  config: {
    root: folder,
    name: undefined,
    setupFiles: [],
    passWithNoTests: false,
    testNamePattern: undefined,
    allowOnly: true,
    sequence: { seed: 1, hooks: 'stack', setupFiles: 'list' },
    chaiConfig: undefined,
    maxConcurrency: 1,
    testTimeout: PATIENCE,
    hookTimeout: PATIENCE,
    retry: 0,
    includeTaskLocation: false,
    tags: [],
    tagsFilter: undefined,
    strictTags: false,
  },
  importFile: (path) => import(pathToFileURL(path).href),
  onBeforeTryTask: ({ name }) => beginTest(name),
  onAfterTryTask: () => endTest(),
}

const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .sort()
const files = await startTests(
  paths.map((path) => join(folder, path)),
  runner,
)
const tasks = files.flatMap(tasksOf)
const failed = tasks.filter(({ result }) => result?.state === 'fail')
const count = (state: string) => tasks.filter(({ type, result }) => type === 'test' && result?.state === state).length
const skipped = tasks.filter(({ type, mode }) => type === 'test' && mode !== 'run' && mode !== 'queued').length
for (const task of failed) process.stdout.write(`${textOf(task)}\n`)
process.stdout.write(`${count('pass')} tests passed, ${count('fail')} failed, ${skipped} were skipped\n`, () =>
  process.exit(failed.length > 0 ? 1 : 0),
)

function tasksOf(task: Task | File): Task[] {
  return [task, ...('tasks' in task ? task.tasks.flatMap(tasksOf) : [])]
}

/** Its name, and why it failed. Of a file or group that only has tests that fail, nothing is to be said. */
function textOf({ name, type, file, suite, result }: Task): string {
  const names = [relative(folder, file.filepath), ...(suite === undefined ? [] : [suite.name]), name]
  const errors = (result?.errors ?? []).map(({ message, diff, stack = '' }) => {
    const place = stack.split('\n').find((line) => line.includes(folder))
    return [message, diff, place?.replace('file://', '').replace(`${folder}/`, '')].filter(Boolean).join('\n')
  })
  return errors.length === 0 && type === 'suite' ? '' : `${names.join(' > ')}\n${errors.join('\n')}`
}
