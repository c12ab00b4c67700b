/** The types that values get: by what is declared, and by what they are. */
import { isList, isType, type Type } from '../lang/index.ts'
import { resolve } from './modules.ts'
import type { Scope } from './scope.ts'
import type { Annotation } from './tree.ts'
import { rangeOf, type ValueType } from './typed.ts'

/** A constant without a declared type: 32 bits if they hold it, else 64; signed if it is negative. */
export const typeOfConstant = (value: bigint): ValueType => {
  const signed = value < 0n
  const narrow = { kind: 'int', bits: 32, signed } as const
  const [least, most] = rangeOf(narrow)
  return value >= least && value <= most ? narrow : { kind: 'int', bits: 64, signed }
}

/** The type that an annotation names; undefined where it names none that the language has. */
export function typeOfAnnotation(scope: Scope, annotation: Annotation | undefined): ValueType | undefined {
  if (annotation === undefined) return undefined
  if (annotation.name === 'bool') return { kind: 'bool' }
  if (annotation.name === 'number')
    throw scope.unfit(annotation.span, 'a number has no width in the kernel', 'write u8, u16, u32, u64, i32 or i64')
  const { compilation, module } = scope
  const resolved = resolve(compilation.modules, module, annotation.name)
  if (resolved?.kind !== 'value' || !isType(resolved.value)) return undefined
  return typeOfDeclared(resolved.value)
}

/** The same where a value is kept: there a type that is not the language's would promise a width to an integer. */
export function typeOfKept(scope: Scope, annotation: Annotation | undefined, given: ValueType): ValueType | undefined {
  const declared = typeOfAnnotation(scope, annotation)
  const hasWidth = given.kind !== 'reference' && given.kind !== 'address'
  if (declared !== undefined || annotation === undefined || !hasWidth) return declared
  const what = annotation.name === '…' ? 'this type' : `the type \`${annotation.name}\``
  throw scope.unfit(
    annotation.span,
    `${what} is not one of the language`,
    'import and write u8, u16, u32, u64, i32, i64, mac, ipv4 or ipv6; or boolean',
  )
}

/** The type of a value that was declared with one of the language's types. */
export function typeOfDeclared(type: Type): ValueType {
  if (isList(type)) return { kind: 'list', list: type }
  const { kind, layout, width = 0 } = type
  if (kind === 'bool') return { kind: 'bool' }
  if (kind === 'mac' || kind === 'ipv4' || kind === 'ipv6') return { kind: 'address', role: kind }
  if (kind === 'bits')
    return { kind: 'int', bits: ([8, 16, 32, 64] as const).find((bits) => bits >= width) ?? 64, signed: false }
  const signed = layout.kind === 'scalar' && layout.signed
  return { kind: 'int', bits: (layout.size * 8) as 8 | 16 | 32 | 64, signed }
}
