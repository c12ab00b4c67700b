/** The verbs of the command. Each loads what it needs, and only the one that is called is loaded. */
import type { Command } from 'commander'

type Load = () => Promise<Command>

export const GROUPS: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  'Graphs:': {
    apply: async () => (await import('./commands/apply.ts')).applyCommand(),
    diff: async () => (await import('./commands/apply.ts')).diffCommand(),
    get: async () => (await import('./commands/get.ts')).getCommand(),
    describe: async () => (await import('./commands/describe.ts')).describeCommand(),
    show: async () => (await import('./commands/show.ts')).showCommand(),
    delete: async () => (await import('./commands/delete.ts')).deleteCommand(),
  },
  'What runs, changed:': {
    set: async () => (await import('./commands/set.ts')).setCommand(),
    connect: async () => (await import('./commands/links.ts')).connectCommand(),
    disconnect: async () => (await import('./commands/links.ts')).disconnectCommand(),
    attach: async () => (await import('./commands/links.ts')).attachCommand(),
    detach: async () => (await import('./commands/links.ts')).detachCommand(),
    state: async () => (await import('./commands/state.ts')).stateCommand(),
  },
  'What happens:': {
    top: async () => (await import('./commands/watch.ts')).topCommand(),
    watch: async () => (await import('./commands/watch.ts')).watchCommand(),
    events: async () => (await import('./commands/events.ts')).eventsCommand(),
    trace: async () => (await import('./commands/trace.ts')).traceCommand(),
    capture: async () => (await import('./commands/capture.ts')).captureCommand(),
  },
  'Cubes, without root:': {
    cube: async () => (await import('./commands/cube.ts')).cubeCommand(),
    compile: async () => (await import('./commands/compile.ts')).compileCommand(),
    run: async () => (await import('./commands/run.ts')).runCommand(),
    vm: async () => (await import('./commands/vm.ts')).vmCommand(),
  },
  'This host:': {
    daemon: async () => (await import('./commands/daemon.ts')).daemonCommand(),
    down: async () => (await import('./commands/down.ts')).downCommand(),
    control: async () => (await import('./commands/control.ts')).controlCommand(),
    doctor: async () => (await import('./commands/host.ts')).doctorCommand(),
    version: async () => (await import('./commands/host.ts')).versionCommand(),
    completion: async () => (await import('./commands/completion.ts')).completionCommand(),
    token: async () => (await import('./commands/token.ts')).tokenCommand(),
  },
}

/** The one of this name; all of them, to tell about or to guess from, where there is none. */
export async function verbsFor(name: string | undefined): Promise<Command[]> {
  const all = Object.entries(GROUPS).flatMap(([group, verbs]) =>
    Object.entries(verbs).map(([verb, load]) => ({ verb, load: async () => (await load()).helpGroup(group) })),
  )
  const called = all.filter(({ verb }) => verb === name)
  return Promise.all((called.length > 0 ? called : all).map(({ load }) => load()))
}
