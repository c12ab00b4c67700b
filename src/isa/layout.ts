/**
 * How a value lies in memory, as plain data: what map keys, map values and packet headers are made of.
 * Offsets and sizes are in bytes. From it come loads and stores, BTF, and the control plane's codecs.
 */
export type Layout = Scalar | Bytes | Struct | List

/** A machine integer. In maps little-endian (this project's kernels are), in packets big-endian. */
export interface Scalar {
  readonly kind: 'scalar'
  readonly size: 1 | 2 | 4 | 8
  readonly signed: boolean
  readonly align: number
}

/** Bytes that are never swapped: addresses, and payload. `role` chooses the text form and the operations. */
export interface Bytes {
  readonly kind: 'bytes'
  readonly role: 'mac' | 'ipv4' | 'ipv6' | 'raw'
  readonly size: number
  readonly align: number
}

export interface Struct {
  readonly kind: 'struct'
  /** In BTF. Most have none. */
  readonly name?: string
  readonly size: number
  readonly align: number
  readonly fields: readonly Field[]
}

/** `length` elements, one behind the other: each begins at a multiple of the element's size. */
export interface List {
  readonly kind: 'list'
  readonly element: Layout
  readonly length: number
  readonly size: number
  readonly align: number
}

export interface Field {
  readonly name: string
  readonly offset: number
  readonly layout: Layout
  /** A bit field: `width` bits, the most significant `shift` bits above bit 0 of the (host order) scalar. */
  readonly bits?: { readonly shift: number; readonly width: number }
}
