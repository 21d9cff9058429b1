/** The second version of the KV engine: values with a history, written only on what was read. */

import type { CallOptions, ChangeOptions, Connection } from '../connection.js';
import { camel, snake } from '../http/names.js';
import { query } from '../http/path.js';
import { type Json, object, unexpected } from '../http/reply.js';
import { Place } from './place.js';

/** One version of a value. */
export interface VersionInfo {
  readonly version: number;
  readonly createdTime: string;
  /** When it was or will be deleted; empty if never. */
  readonly deletionTime: string;
  /** Whether it is gone for good. */
  readonly destroyed: boolean;
  readonly customMetadata?: Readonly<Record<string, string>> | null;
}

/** A value; `null` when this version of it was deleted or destroyed. */
export interface Secret<T = Json> {
  readonly data: T | null;
  readonly version: VersionInfo;
}

/** What can be set of a value as a whole. */
export interface MetadataSettings {
  /** How many versions are kept; 0 is what the mount says. */
  readonly maxVersions?: number;
  /** Whether every write must say on which version it is. */
  readonly casRequired?: boolean;
  /** Such as `24h`; after it a version is deleted. */
  readonly deleteVersionAfter?: string;
  /** Labels of the caller's own. */
  readonly customMetadata?: Readonly<Record<string, string>> | null;
}

/** What is known of all versions of a value. */
export interface Metadata extends MetadataSettings {
  readonly currentVersion: number;
  readonly oldestVersion: number;
  readonly createdTime: string;
  readonly updatedTime: string;
  /** By their numbers. */
  readonly versions: Readonly<Record<string, Omit<VersionInfo, 'version' | 'customMetadata'>>>;
}

export interface GetOptions extends CallOptions {
  /** The newest if not given. */
  readonly version?: number | undefined;
}

export interface PutOptions extends ChangeOptions {
  /** The version that must be the newest for this write to be done; 0 is that there is none. */
  readonly cas?: number | undefined;
}

/** A KV engine with versions. */
export class Kv2 {
  /** What is known of the values. */
  readonly metadata: KvMetadata;
  readonly #place: Place;

  /** For this package: `keyward.kv()`. */
  constructor(connection: Connection, mount: string) {
    this.#place = new Place(connection, mount);
    this.metadata = new KvMetadata(this.#place);
  }

  async get<T = Json>(at: string, { version, ...options }: GetOptions = {}): Promise<Secret<T>> {
    const more = query({ version });
    const { data, requestId } = await this.#place.call('GET', 'data/', at, options, undefined, more);
    const info = object(data?.metadata);
    if (info === undefined) throw unexpected({ requestId });
    return { data: (data?.data ?? null) as T | null, version: versionInfo(info) };
  }

  /** Writes a new version. */
  put(at: string, value: object, options?: PutOptions): Promise<VersionInfo> {
    return this.#write('POST', at, value, options);
  }

  /** Writes a new version: the newest, changed by a merge patch (RFC 7396). */
  patch(at: string, changes: object, options?: PutOptions): Promise<VersionInfo> {
    return this.#write('PATCH', at, changes, options);
  }

  /** Deletes the newest version, or those that are named. `undelete` brings them back. */
  async delete(at: string, versions?: readonly number[], options?: ChangeOptions): Promise<void> {
    if (versions === undefined) await this.#place.call('DELETE', 'data/', at, options);
    else await this.#place.call('POST', 'delete/', at, options, { versions });
  }

  async undelete(at: string, versions: readonly number[], options?: ChangeOptions): Promise<void> {
    await this.#place.call('POST', 'undelete/', at, options, { versions });
  }

  /** Destroys versions for good. */
  async destroy(at: string, versions: readonly number[], options?: ChangeOptions): Promise<void> {
    await this.#place.call('POST', 'destroy/', at, options, { versions });
  }

  /** Names what is below a path; folders end with a slash. */
  list(below = '', options?: CallOptions): Promise<string[]> {
    return this.#place.list('metadata/', below, options);
  }

  async #write(
    method: 'PATCH' | 'POST',
    at: string,
    data: object,
    { cas, ...options }: PutOptions = {},
  ): Promise<VersionInfo> {
    const body = { data, ...(cas !== undefined && { options: { cas } }) };
    const { data: info, requestId } = await this.#place.call(method, 'data/', at, options, body);
    if (info === undefined) throw unexpected({ requestId });
    return versionInfo(info);
  }
}

/** What a KV engine knows of its values. */
export class KvMetadata {
  readonly #place: Place;

  /** For this package: `keyward.kv().metadata`. */
  constructor(place: Place) {
    this.#place = place;
  }

  async get(at: string, options?: CallOptions): Promise<Metadata> {
    const { data, requestId } = await this.#place.call('GET', 'metadata/', at, options);
    const versions = object(data?.versions);
    if (data === undefined || versions === undefined) throw unexpected({ requestId });
    const read = Object.entries(versions).map(([number, version]) => {
      return [number, camel(object(version) ?? {})] as const;
    });
    return { ...camel(data), versions: Object.fromEntries(read) } as unknown as Metadata;
  }

  /** Sets what is given, labels as a whole; the rest stays. */
  async put(at: string, settings: MetadataSettings, options?: ChangeOptions): Promise<void> {
    await this.#place.call('POST', 'metadata/', at, options, snake(settings));
  }

  /** Sets what is given, of the labels those that are named; the rest stays. */
  async patch(at: string, settings: MetadataSettings, options?: ChangeOptions): Promise<void> {
    await this.#place.call('PATCH', 'metadata/', at, options, snake(settings));
  }

  /** Destroys the value with all its versions for good. */
  async delete(at: string, options?: ChangeOptions): Promise<void> {
    await this.#place.call('DELETE', 'metadata/', at, options);
  }
}

function versionInfo(json: Json): VersionInfo {
  return camel(json) as unknown as VersionInfo;
}
