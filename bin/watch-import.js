// The thread that notices when a module does not come to an end while it is imported: see src/importing/watched.ts.
import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

/** How often it looks, in milliseconds. */
const LOOKS = 500
/** So long the other thread has time to say what it has to, once it is asked. */
const ANSWERS = 5000

/** What counts on as long as the other thread does not stand still, and is 0 as long as nothing is imported. */
const { beats, most, name } = workerData
const { cpuTime, time } = most

let [last, since, used] = [0, 0, 0]
let file = ''
parentPort.on('message', (path) => {
  file = path
})

/** Of all threads, in milliseconds. */
const cpu = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

setInterval(() => {
  const beat = Atomics.load(beats, 0)
  if (beat === 0 || beat !== last) [last, since, used] = [beat, performance.now(), cpu()]
  // On a host that has much to do, time passes in which nothing runs.
  else if (cpu() - used > cpuTime || performance.now() - since > time) void halt()
}, LOOKS)

/** Has the other thread say where it is, by means of a debugger's, and end. */
async function halt() {
  last = 0
  const { Session } = await import('node:inspector')
  const session = new Session()
  session.connectToMainThread()
  // Where it waits within the system, nobody can ask it.
  const killed = setTimeout(() => {
    writeSync(2, `${file} does not come to an end while it is imported\n`)
    process.kill(process.pid, 'SIGKILL')
  }, ANSWERS)
  session.once('Debugger.paused', ({ params }) => {
    const [{ callFrameId }] = params.callFrames
    const expression = `globalThis[Symbol.for(${JSON.stringify(name)})](new Error())`
    session.post('Debugger.evaluateOnCallFrame', { callFrameId, expression }, (_error, { result } = {}) => {
      clearTimeout(killed)
      const leave = () => {
        session.disconnect()
        parentPort.postMessage('gone')
      }
      if (result?.value === true) session.post('Runtime.terminateExecution', leave)
      session.post('Debugger.resume')
      if (result?.value !== true) leave()
    })
  })
  session.post('Debugger.enable')
  session.post('Debugger.pause')
}
