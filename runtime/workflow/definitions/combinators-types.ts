import type { SchemaSide } from '../../jobs/typed.ts'
import type { JobDefinition } from '../../jobs/job.ts'
import type { NodeOptions, StepParams } from '../graph/graph-builder.ts'

/**
 * Options that `.with` gives to every task of a part; an inner `.with` is over an outer one.
 * @example
 * ```ts
 * const slow: PartOptions = { queue: 'slow', timeout: '1h' }
 * const part = chain(task(ReportJob)).with(slow)
 * ```
 */
export type PartOptions = Omit<NodeOptions, 'params' | 'after' | 'before' | 'wait' | 'label'>

declare const types: unique symbol
declare const anything: unique symbol

/** What a step without an output schema gives to the run's memory: unknown. */
export interface Anything {
  readonly [anything]: true
}

/**
 * A part of a workflow: `task`, `chain`, `group` or `withDelay`.
 * @typeParam Needs input keys that must come from outside the part
 * @typeParam Gives keys that its steps leave in the run's memory
 * @example
 * ```ts
 * const retried = (part: Part): Part => part.with({ retry: 3 })
 * await workflow(retried(task(ReportJob))).run()
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any part, whatever it needs and gives
export interface Part<in Needs = any, out Gives = any> {
  readonly [types]?: (needs: Needs) => Gives
  /** The same part with options for all of its tasks. */
  with(options: PartOptions): Part<Needs, Gives>
}

/** The object that a task's params are a part of: a typed job's input before defaults, else what `perform` takes. */
export type InputOf<J> = J extends { input: infer S }
  ? SchemaSide<S, 'input'>
  : J extends JobDefinition
    ? StepParams<J>
    : never

/** Required keys of a typed job's input that its own params do not give. */
export type NeedsOf<J, Given> = J extends { input: infer S }
  ? { [K in RequiredKeys<SchemaSide<S, 'input'>> as K extends Given ? never : K]: SchemaSide<S, 'input'>[K] }
  : object

/** What a typed job gives. A job that sets memory keys by itself (`static provides`) may give anything. */
export type GivesOf<J> = J extends { provides: unknown }
  ? Anything
  : J extends { output: infer S }
    ? SchemaSide<S, 'output'>
    : Anything

type IsAny<T> = 0 extends 1 & T ? true : false
type RequiredKeys<T> = { [K in keyof T]-?: object extends Pick<T, K> ? never : K }[keyof T]
type IsOpen<T> = typeof anything extends keyof T ? true : false

/** Needs that are still open when `Have` is there. */
type Unmet<Needs, Have> =
  IsOpen<Have> extends true ? object : { [K in keyof Needs as K extends keyof Have ? never : K]: Needs[K] }
/** What is there after a step: later values are over earlier ones; after a step of which nothing is known, nothing is. */
type Later<Have, Gives> = IsOpen<Gives> extends true ? Gives : Omit<Have, keyof Gives> & Gives
/** What is there after parallel steps. */
type Beside<A, B> =
  IsOpen<A> extends true
    ? Anything
    : IsOpen<B> extends true
      ? Anything
      : { [K in keyof A | keyof B]: (K extends keyof A ? A[K] : never) | (K extends keyof B ? B[K] : never) }

type NeedsIn<P> = P extends Part<infer N, infer _G> ? (IsAny<N> extends true ? object : N) : never
type GivesIn<P> = P extends Part<never, infer G> ? (IsAny<G> extends true ? Anything : G) : never

/** Needs of a chain: those of each member that no member before it gives. */
export type ChainNeeds<P extends readonly unknown[], Have = object> = P extends readonly [infer F, ...infer R]
  ? Unmet<NeedsIn<F>, Have> & ChainNeeds<R, Later<Have, GivesIn<F>>>
  : P extends readonly []
    ? unknown
    : Unmet<NeedsIn<P[number]>, Have>

/** What a chain leaves. */
export type ChainGives<P extends readonly unknown[], Have = object> = P extends readonly [infer F, ...infer R]
  ? ChainGives<R, Later<Have, GivesIn<F>>>
  : P extends readonly []
    ? Have
    : Later<Have, GivesIn<P[number]>>

/** Needs of a group: those of all members. */
export type GroupNeeds<P extends readonly unknown[]> = P extends readonly [infer F, ...infer R]
  ? NeedsIn<F> & GroupNeeds<R>
  : P extends readonly []
    ? unknown
    : NeedsIn<P[number]>

/** What a group leaves. */
export type GroupGives<P extends readonly unknown[]> = P extends readonly [infer F]
  ? GivesIn<F>
  : P extends readonly [infer F, ...infer R]
    ? Beside<GivesIn<F>, GroupGives<R>>
    : P extends readonly []
      ? object
      : GivesIn<P[number]>

/** Keys that a step before gives in another type than this one takes. */
type Clashes<Needs, Have> =
  IsOpen<Have> extends true
    ? never
    : { [K in keyof Needs & keyof Have]: Exclude<Have[K], undefined> extends Needs[K] ? never : K }[keyof Needs &
        keyof Have]

/** What the compiler shows in place of a member that does not fit. */
export interface TypeMismatch<Key> {
  'the step before gives this key in another type': Key
}

/** The members of a chain, those that do not fit replaced by what is wrong with them. */
export type CheckedChain<P extends readonly unknown[], Have = object> = P extends readonly [infer F, ...infer R]
  ? [
      [Clashes<NeedsIn<F>, Have>] extends [never] ? F : TypeMismatch<Clashes<NeedsIn<F>, Have>>,
      ...CheckedChain<R, Later<Have, GivesIn<F>>>,
    ]
  : P

/** Arguments after the part: what it needs must be supplied as `input` or as `globals`. */
export type Supplied<Needs, Options> =
  IsAny<Needs> extends true
    ? [options?: Options]
    : [RequiredKeys<Needs>] extends [never]
      ? [options?: Options]
      : [options: Options & ({ input: Needs } | { globals: Needs })]
