import { Agent, request } from 'node:https';

/** An object of the API server, of any kind. */
export interface ApiObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- only this rig reads them
  readonly [field: string]: any;
}

/** Client of the API server, for writes that a cluster's controllers would do. */
export interface Api {
  get(path: string): Promise<ApiObject>;
  list(path: string): Promise<readonly ApiObject[]>;
  create(path: string, object: object): Promise<ApiObject>;
  /** A merge patch. */
  patch(path: string, change: object): Promise<ApiObject>;
}

/** A client of https://127.0.0.1:PORT. @throws Error with the response body for every status but 2xx */
export function createApi(port: number, token: string): Api {
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const call = (method: string, path: string, type: string, body?: object): Promise<ApiObject> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': type };
      const options = { agent, host: '127.0.0.1', port, path, method, headers, timeout: 20_000 };
      const asked = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          if (Math.floor((response.statusCode ?? 0) / 100) === 2) resolve(JSON.parse(text) as ApiObject);
          else reject(new Error(`${method} ${path}: ${String(response.statusCode)} ${text.trim()}`));
        });
      });
      asked.on('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer in 20s`)));
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return {
    get: (path) => call('GET', path, 'application/json'),
    list: async (path) => (await call('GET', path, 'application/json'))['items'] as ApiObject[],
    create: (path, object) => call('POST', path, 'application/json', object),
    patch: (path, change) => call('PATCH', path, 'application/merge-patch+json', change),
  };
}
