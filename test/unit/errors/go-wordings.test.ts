import { describe, expect, it } from 'vitest';
import { knownIssue } from '../../../src/errors/known-issues.ts';

/**
 * Messages of Go's network code and client-go for failed requests to the API server that no recording of a real program
 * contains (test/recordings), each with the Go source that defines it. Versions: Go 1.26.8, golang.org/x/net 0.58.0,
 * k8s.io 0.36.1.
 */
type Row = readonly [source: string, message: string, issue: string];

const DIAL = 'dial tcp 192.168.64.2:6443';
const READ = 'read tcp 192.168.64.1:40000->192.168.64.2:6443';

/** Ends of `Get "https://…": …` (net/url.Error). */
const UNREACHABLE: readonly Row[] = [
  ['syscall/zerrors_linux_amd64.go ETIMEDOUT', `${DIAL}: connect: connection timed out`, 'kubernetes-unreachable'],
  ['syscall/zerrors_darwin_arm64.go ETIMEDOUT', `${DIAL}: connect: operation timed out`, 'kubernetes-unreachable'],
  ['syscall/zerrors_darwin_arm64.go EHOSTDOWN', `${DIAL}: connect: host is down`, 'kubernetes-unreachable'],
  ['syscall/zerrors_darwin_arm64.go ENETDOWN', `${DIAL}: connect: network is down`, 'kubernetes-unreachable'],
  ['net/net.go errNoSuchHost', 'dial tcp: lookup k3s-master: no such host', 'kubernetes-unreachable'],
  ['internal/poll/fd.go DeadlineExceededError', `${READ}: i/o timeout`, 'kubernetes-unreachable'],
  ['syscall/zerrors_linux_amd64.go EHOSTUNREACH', `${READ}: read: no route to host`, 'kubernetes-unreachable'],
  ['syscall/zerrors_linux_amd64.go ETIMEDOUT', `${READ}: read: connection timed out`, 'kubernetes-unreachable'],
  ['internal/poll/fd.go errNetClosing', `${READ}: use of closed network connection`, 'kubernetes-unreachable'],
  [
    'syscall/zerrors_linux_amd64.go EPIPE',
    'write tcp 192.168.64.1:40000->192.168.64.2:6443: write: broken pipe',
    'kubernetes-unreachable',
  ],
  ['net/http/transport.go errServerClosedIdle', 'http: server closed idle connection', 'kubernetes-request-failed'],
  ['net/http/transport.go errTimeout', 'net/http: timeout awaiting response headers', 'kubernetes-request-failed'],
  [
    'net/http/transport.go nothingWrittenError, mapRoundTripError',
    'net/http: HTTP/1.x transport connection broken: malformed HTTP response "x"',
    'kubernetes-request-failed',
  ],
  [
    'net/http/client.go ErrSchemeMismatch',
    'http: server gave HTTP response to HTTPS client',
    'kubernetes-request-failed',
  ],
  [
    'net/http/h2_bundle.go errClientConnGotGoAway',
    "http2: Transport received Server's graceful shutdown GOAWAY",
    'kubernetes-request-failed',
  ],
  [
    'golang.org/x/net/http2/transport.go setGoAway',
    'http2: Transport received GOAWAY from server ErrCode:NO_ERROR',
    'kubernetes-request-failed',
  ],
  [
    'golang.org/x/net/http2/errors.go StreamError',
    'stream error: stream ID 7; INTERNAL_ERROR; received from peer',
    'kubernetes-request-failed',
  ],
  ['crypto/tls/alert.go alertInternalError', 'remote error: tls: internal error', 'kubernetes-request-failed'],
  ['crypto/tls/alert.go alertHandshakeFailure', 'remote error: tls: handshake failure', 'kubernetes-request-failed'],
  ['net/http/transport.go, dialConn', 'proxyconnect tcp: EOF', 'kubernetes-unreachable'],
  ['net/http/transport.go, dialConn', 'Proxy Authentication Required', 'kubernetes-request-failed'],
];

/** Errors without a URL, as client-go returns them. */
const BARE: readonly Row[] = [
  [
    'client-go rest/request.go tryThrottle',
    'client rate limiter Wait returned an error: context deadline exceeded',
    'kubernetes-unreachable',
  ],
  [
    'golang.org/x/time/rate/rate.go wait',
    'client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline',
    'kubernetes-unreachable',
  ],
  [
    'client-go rest/request.go transformResponse',
    'unexpected error when reading response body. Please retry. Original error: http2: client connection lost',
    'kubernetes-unreachable',
  ],
  [
    'client-go rest/request.go transformResponse',
    'stream error when reading response body, may be caused by closed connection. Please retry. Original error: stream error: stream ID 7; INTERNAL_ERROR; received from peer',
    'kubernetes-unreachable',
  ],
  ['net/http/status.go 502', 'Bad Gateway', 'kubernetes-busy'],
  ['net/http/status.go 503', 'Service Unavailable', 'kubernetes-busy'],
  ['net/http/status.go 504', 'Gateway Timeout', 'kubernetes-busy'],
  [
    'apiserver pkg/server/filters/timeout.go',
    'Timeout: request did not complete within the allotted timeout',
    'kubernetes-busy',
  ],
  [
    'apiserver pkg/endpoints/handlers/finisher/finisher.go',
    'Timeout: request did not complete within requested timeout - context deadline exceeded',
    'kubernetes-busy',
  ],
  [
    'apimachinery pkg/api/errors NewGenericServerResponse 500',
    'an error on the server ("Internal Server Error: \\"/api/v1/namespaces\\": starting") has prevented the request from succeeding',
    'kubernetes-busy',
  ],
  [
    'apimachinery pkg/api/errors NewGenericServerResponse 404',
    'the server could not find the requested resource (get configmaps istio-1-30-4)',
    'kubernetes-not-served',
  ],
];

/** A retry does not help: the server is not our cluster, or it rejects our credentials. */
const REFUSED: readonly Row[] = [
  [
    'crypto/x509/root_darwin.go systemVerify',
    'tls: failed to verify certificate: x509: “k3s” certificate is not trusted',
    'kubernetes-x509',
  ],
  [
    'crypto/x509/root_darwin.go, before Go 1.20',
    'x509: “k3s” certificate is not standards compliant',
    'kubernetes-x509',
  ],
  [
    'crypto/x509/verify.go HostnameError',
    'tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead',
    'kubernetes-x509',
  ],
  [
    'crypto/x509/verify.go NotAuthorizedToSign',
    'x509: certificate is not authorized to sign other certificates',
    'kubernetes-x509',
  ],
  ['crypto/tls/alert.go alertBadCertificate', 'remote error: tls: bad certificate', 'kubernetes-unauthorized'],
  ['crypto/tls/alert.go alertCertificateExpired', 'remote error: tls: expired certificate', 'kubernetes-unauthorized'],
  ['crypto/tls/alert.go alertUnknownCA', 'remote error: tls: unknown certificate authority', 'kubernetes-unauthorized'],
  [
    'crypto/tls/alert.go alertCertificateRequired',
    'remote error: tls: certificate required',
    'kubernetes-unauthorized',
  ],
];

const api = 'https://192.168.64.2:6443';
/** The prefix of the message for each command (test/recordings). */
const COMMANDS = {
  install: [
    'istioctl',
    'Error: check minimum supported Kubernetes version: error getting Kubernetes version: ',
    `Get "${api}/version?timeout=15s": `,
  ],
  'install, wait': [
    'istioctl',
    'Error: failed to install manifests: failed to update resource with server-side apply for obj Deployment/istio-system/istiod-1-30-4: ',
    `Patch "${api}/apis/apps/v1/namespaces/istio-system/deployments/istiod-1-30-4?fieldManager=istio-operator&force=true": `,
  ],
  configure: [
    'istioctl',
    'Error: configmap istio-1-30-4 was not found in namespace istio-system: ',
    `Get "${api}/api/v1/namespaces/istio-system/configmaps/istio-1-30-4?timeout=15s": `,
  ],
  token: [
    'istioctl',
    'Error: could not create a token under service account vmsa in namespace vmns: ',
    `Post "${api}/api/v1/namespaces/vmns/serviceaccounts/vmsa/token": `,
  ],
  apply: [
    'kubectl',
    'error: error validating "STDIN": error validating data: ',
    `Get "${api}/openapi/v2?timeout=20s": `,
  ],
} as const;
const commands = Object.entries(COMMANDS);

function issueOf(tool: 'istioctl' | 'kubectl', stderr: string): string {
  const issue = knownIssue(`${stderr}\n`, tool);
  return `${issue?.id ?? 'none'}${issue?.transient === true ? ', retried' : ''}`;
}

describe.each(commands)('Go error messages in the output of %s', (_, [tool, prefix, request]) => {
  it.each(UNREACHABLE)('are retried with a request URL, %s: %s', (_source, message, issue) => {
    expect(issueOf(tool, `${prefix}${request}${message}`)).toBe(`${issue}, retried`);
  });

  it.each(BARE)('are retried without a request URL, %s: %s', (_source, message, issue) => {
    expect(issueOf(tool, `${prefix}${message}`)).toBe(`${issue}, retried`);
  });

  it.each(REFUSED)('are not retried, %s: %s', (_source, message, issue) => {
    expect(issueOf(tool, `${prefix}${request}${message}`)).toBe(issue);
  });
});

describe('a failed request', () => {
  it('is not attributed to the API server when it was sent to a webhook of istiod', () => {
    const message =
      'Post "https://istiod.istio-system.svc:443/inject?timeout=10s": net/http: timeout awaiting response headers';
    expect(
      issueOf(
        'kubectl',
        `Error from server (InternalError): failed calling webhook "x": failed to call webhook: ${message}`,
      ),
    ).toBe('kubernetes-webhook, retried');
  });

  it('is not attributed to the API server when a program in a pod sent it', () => {
    expect(
      issueOf('kubectl', 'Get "http://127.0.0.1:15021/healthz/ready": http: server closed idle connection'),
    ).not.toMatch(/^kubernetes-unreachable/);
  });

  it('is ignored in the lines that kubectl logs before its error', () => {
    const logged =
      'E0101 00:00:00.000000 1 memcache.go:265] "Unhandled Error" err="couldn\'t get current server API group list: Get \\"https://192.168.64.2:6443/api?timeout=20s\\": http: server closed idle connection"';
    expect(issueOf('kubectl', `${logged}\nError from server (NotFound): deployments.apps "x" not found`)).toBe('none');
  });

  it('is not assumed when istioctl timed out waiting for pods', () => {
    const message =
      'failed to wait for resource: resources not ready after 5m0s: client rate limiter Wait returned an error: context deadline exceeded';
    expect(issueOf('istioctl', `Error: failed to install manifests: ${message}`)).toBe('istio-not-ready');
  });
});
