/** Capture files, read and written. */
export { AnnotatedWriter } from './annotated.ts'
export type { PacketRemarks } from './blocks.ts'
export type { CapturedFrame } from './frame.ts'
export { CaptureReader } from './read.ts'
export { type CaptureFormat, CaptureWriter, type CaptureWriterOptions } from './write.ts'
