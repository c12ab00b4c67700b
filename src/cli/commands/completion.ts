import { Argument, Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

export const completionCommand = (): Command =>
  new Command('completion')
    .description(
      'Print what has a shell complete the words of tessera: verbs, options, names of graphs, instances, ports, fields.',
    )
    .addArgument(new Argument('<shell>', 'which').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  source <(tessera completion bash)
  tessera completion zsh > "\${fpath[1]}/_tessera"
  tessera completion fish > ~/.config/fish/completions/tessera.fish`,
    )
    .action(async (shell: Shell) => (await import('../actions/completion.ts')).printCompletion(shell))
