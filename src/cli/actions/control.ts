import { runControlPlanes } from '../../daemon/control-host.ts'
import { openKernelHost } from '../../daemon/host.ts'
import { untilInterrupted } from '../signals.ts'

export async function control(): Promise<void> {
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  using host = openKernelHost()
  await runControlPlanes(host, (line) => void process.stderr.write(`${line}\n`), end.signal)
}
