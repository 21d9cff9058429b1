/** The package: what users import. */

export {
  type AuthProvider,
  type MintOptions,
  type Minted,
  type TokenInfo,
  type TokenRequest,
  mintedBy,
  staticToken,
} from './auth/provider.js';
export { type ServiceWorkerOptions, serviceWorker } from './auth/service-worker.js';
export type { Bytes, BytesLike } from './bytes.js';
export type { CallOptions, ChangeOptions } from './connection.js';
export type { Context } from './envelope/context.js';
export type { EnvelopeLimits, EnvelopeStats } from './envelope/data-keys.js';
export {
  type EncryptStreamOptions,
  type Envelope,
  type EnvelopeOptions,
  headerLength,
} from './envelope/envelope.js';
export {
  type HttpSourceOptions,
  type RangeSource,
  blobSource,
  httpSource,
} from './envelope/sources.js';
export * from './failures.js';
export type { PublicEncryptOptions, PublicKeyEncrypter, RecipientKey } from './hpke.js';
export type { Fetch } from './http/exchange.js';
export type { RetryOptions } from './http/retry.js';
export { Keyward, type KeywardOptions } from './keyward.js';
export type { Kv1 } from './kv/v1.js';
export type {
  GetOptions,
  Kv2,
  KvMetadata,
  Metadata,
  MetadataSettings,
  PutOptions,
  Secret,
  VersionInfo,
} from './kv/v2.js';
export type { LeaseInfo, Leases, RenewedLease } from './leases.js';
export { ProofKey, type ProofKeyOptions } from './proof/proof-key.js';
export type { ResponseTrust } from './proof/proof.js';
export { keySet, publicKeyEncrypter } from './public.js';
export type { NewToken, TokenDetails, TokenSettings, Tokens } from './tokens.js';
export type { CoalesceOptions } from './transit/coalesce.js';
export type { DataKey, DataKeyOptions } from './transit/data-keys.js';
export type { Binding, ItemOptions } from './transit/input.js';
export type { KeyInfo, KeyRules, KeySettings, KeyVersion, Keys, ListOptions } from './transit/keys.js';
export type { ItemResult } from './transit/operation.js';
export type {
  DecryptOptions,
  EncryptOptions,
  HmacOptions,
  RewrapOptions,
  SignManyOptions,
  SignOptions,
  SignatureForm,
  VerifyManyOptions,
  VerifyOptions,
} from './transit/options.js';
export type { RewrapStreamOptions } from './transit/rewrap-stream.js';
export type {
  DecryptItem,
  EncryptItem,
  HmacItem,
  RewrapItem,
  SignItem,
  Transit,
  VerifyItem,
} from './transit/transit.js';
export { values } from './transit/values.js';
export type { VerifyOptions as KeySetVerifyOptions } from './verify/algorithms.js';
export type { KeySet, VerifiedJws } from './verify/key-set.js';
export type { WasmSource } from './wasm/load.js';
export { init } from '#primitives';
