import { Command } from 'commander'

export interface Options {
  readonly memory: string
}

export const vmCommand = (): Command =>
  new Command('vm')
    .description('The user-space machine, without graphs and interfaces.')
    .addCommand(execCommand())
    .addHelpText('after', '\nExamples:\n  tessera vm exec < program.hex\n  tessera vm exec --help')

const execCommand = (): Command =>
  new Command('exec')
    .description('Run a program of eBPF instructions from standard input, and print what it returns.')
    .option('-m, --memory <hex>', 'what the program finds where r1 points, and can change', '')
    .addHelpText(
      'after',
      `
The program is hexadecimal text: 8 bytes an instruction as RFC 9669 has them, little-endian, spaces and line breaks anywhere,
each byte with 0x before it or not. It starts with the address of the memory in r1, its length in r2 (both 0 where there is
none) and the end of a stack of 512 zeros in r10. It can call its own functions and, by number or by a number in a
register, the helpers 5 (ktime_get_ns), 7 (get_prandom_u32) and 8 (get_smp_processor_id), which give the same in every run. What it returns, all 64 bits of r0, is
printed in hexadecimal. Where the program is not valid, reaches outside its memory, or does not end, the exit code is 1, and
what went wrong at which instruction is on standard error.

Example: r0 = 0; r2 += r1; and then, byte by byte of the memory: r3 = *(u8 *)(r1 +0); r0 += r3; r1 += 1; if r1 < r2 goto -4; exit
  $ tessera vm exec --memory 'aa bb 0c' << END
  b7 00 00 00 00 00 00 00
  0f 12 00 00 00 00 00 00
  71 13 00 00 00 00 00 00
  0f 30 00 00 00 00 00 00
  07 01 00 00 01 00 00 00
  ad 21 fc ff 00 00 00 00
  95 00 00 00 00 00 00 00
  END
  171`,
    )
    .action(async (options: Options) => (await import('../actions/vm.ts')).exec(options))
