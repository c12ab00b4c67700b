import { Command } from 'commander'
import { type Output, withOutput } from '../output.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends ReachOptions {
  readonly output: Output
}

export const cubeCommand = (): Command =>
  new Command('cube')
    .description('The kinds of network functions there are: begin one of your own, add it, read about it.')
    .addCommand(newCommand())
    .addCommand(listCommand())
    .addCommand(docsCommand())
    .addCommand(addCommand())
    .addCommand(upgradeCommand())
    .addCommand(removeCommand())
    .addHelpText(
      'after',
      `
Examples:
  tessera cube new ./my-cube      four files, and a test that passes
  tessera cube docs bridge        what there is to configure
  sudo tessera cube add ./my-cube while the daemon runs`,
    )

const newCommand = (): Command =>
  new Command('new')
    .description('Write a cube to begin with: schema, data plane, control plane, and a test of it that passes.')
    .argument('<folder>', 'a folder that is not there yet; its name is that of the cube')
    .addHelpText('after', '\nExamples:\n  tessera cube new ./my-cube && npx vitest run my-cube')
    .action(async (folder: string) => (await import('../actions/cube-new.ts')).newCube(folder))

const listCommand = (): Command =>
  withReach(withOutput(new Command('list').description('The cubes that graphs can be made of.')), 'local').action(
    async (options: Options) => (await import('../actions/cube.ts')).list(options),
  )

const docsCommand = (): Command =>
  withReach(
    withOutput(new Command('docs').description('What a cube does, and all that it can be configured with.')),
    'local',
  )
    .argument('<cube>', 'by name, or its folder')
    .addHelpText('after', '\nExamples:\n  tessera cube docs bridge\n  tessera cube docs ./my-cube')
    .action(async (cube: string, options: Options) => (await import('../actions/cube.ts')).docs(cube, options))

const addCommand = (): Command =>
  withReach(new Command('add').description('Have the daemon check, compile, test and register a cube.'))
    .argument('<folder>', 'with schema.ts, dataplane.ts and control.ts')
    .addHelpText('after', '\nExamples:\n  sudo tessera cube add ./my-cube')
    .action(async (folder: string, options: ReachOptions) => (await import('../actions/cube.ts')).add(folder, options))

const upgradeCommand = (): Command =>
  withReach(
    new Command('upgrade').description('Put a new version in the place of a cube; its instances keep their state.'),
  )
    .argument('<cube>', 'by name')
    .argument('[folder]', 'where the new version is; unless said, where it was added from')
    .addHelpText('after', '\nExamples:\n  sudo tessera cube upgrade my-cube ./my-cube')
    .action(async (cube: string, folder: string | undefined, options: ReachOptions) =>
      (await import('../actions/cube.ts')).upgrade(cube, folder, options),
    )

const removeCommand = (): Command =>
  withReach(new Command('remove').description('Have the daemon forget about a cube that was added.'))
    .argument('<cube>', 'by name')
    .addHelpText('after', '\nExamples:\n  sudo tessera cube remove my-cube')
    .action(async (cube: string, options: ReachOptions) => (await import('../actions/cube.ts')).remove(cube, options))
