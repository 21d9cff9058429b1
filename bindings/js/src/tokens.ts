/** Tokens: one's own, and those that one makes for others. */

import { tokenOfAuth, type TokenInfo } from './auth/provider.js';
import type { CallOptions, ChangeOptions, Connection } from './connection.js';
import { camel, snake } from './http/names.js';
import { name, text } from './http/path.js';
import { type Json, type Reply, unexpected } from './http/reply.js';

/** What a new token shall be. */
export interface TokenSettings {
  /** The role that it is made of, which rules over the rest. */
  readonly role?: string | undefined;
  readonly policies?: readonly string[] | undefined;
  /** Such as `15m`, or seconds. */
  readonly ttl?: string | number | undefined;
  readonly explicitMaxTtl?: string | number | undefined;
  readonly period?: string | number | undefined;
  /** How many calls it is good for; 0 is any number. */
  readonly numUses?: number | undefined;
  readonly renewable?: boolean | undefined;
  /** Not to end with the token that makes it. */
  readonly noParent?: boolean | undefined;
  readonly noDefaultPolicy?: boolean | undefined;
  readonly displayName?: string | undefined;
  readonly type?: 'batch' | 'service' | undefined;
  readonly meta?: Readonly<Record<string, string>> | undefined;
  /** The public key whose holder alone can use it: `ProofKey.publicJwk` of that client. */
  readonly clientKey?: Readonly<JsonWebKey> | undefined;
}

/** A token that was made. */
export interface NewToken extends TokenInfo {
  readonly accessor: string;
  readonly policies: readonly string[];
}

/** What is known of a token. */
export interface TokenDetails {
  readonly accessor: string;
  readonly policies: readonly string[];
  /** Seconds that are left; 0 is for ever. */
  readonly ttl: number;
  readonly renewable: boolean;
  readonly displayName: string;
  readonly expireTime: string | null;
  readonly numUses: number;
  readonly orphan: boolean;
  readonly path: string;
  readonly meta: Readonly<Record<string, string>> | null;
  /** The thumbprint of the key that it is bound to, if it is. */
  readonly cnf?: { readonly jkt: string };
}

/** The tokens of the server. */
export class Tokens {
  readonly #connection: Connection;

  /** For this package: `keyward.tokens`. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async lookupSelf(options?: CallOptions): Promise<TokenDetails> {
    const request = { method: 'GET', target: 'auth/token/lookup-self' } as const;
    const { data, requestId } = await this.#connection.call(request, options);
    if (data === undefined) throw unexpected({ requestId });
    return camel(data) as unknown as TokenDetails;
  }

  /** Asks for more time: `increment` seconds from now, which the server may shorten. */
  async renewSelf(increment?: number, options?: ChangeOptions): Promise<NewToken> {
    return newToken(await this.#write('renew-self', snake({ increment }), options));
  }

  /** Ends the token, and all that were made with it. */
  async revokeSelf(options?: ChangeOptions): Promise<void> {
    await this.#write('revoke-self', {}, options);
  }

  async create({ role, ...settings }: TokenSettings, options?: ChangeOptions): Promise<NewToken> {
    const action = role === undefined ? 'create' : `create/${name(role, 'role')}`;
    return newToken(await this.#write(action, snake(settings), options));
  }

  async revokeAccessor(accessor: string, options?: ChangeOptions): Promise<void> {
    await this.#write('revoke-accessor', { accessor: text(accessor, 'accessor') }, options);
  }

  #write(action: string, body: Json, options: ChangeOptions | undefined): Promise<Reply> {
    return this.#connection.call(
      { method: 'POST', target: `auth/token/${action}`, body },
      options,
    );
  }
}

function newToken({ auth, requestId }: Reply): NewToken {
  const info = tokenOfAuth(auth);
  if (info === undefined || auth === undefined) throw unexpected({ requestId });
  const { accessor, policies } = auth as unknown as NewToken;
  return { ...info, accessor, policies };
}
