/* proxy_tls.c - whom the proxy believes: a TLS server with certificates made here, good ones and each way of being wrong.
 *
 * Every case of a certificate that is not accepted also proves that not one byte of the request, and so no credential,
 * was sent: the server counts what it could read after the handshake. */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include "proxy_env.h"

#define DAY (24L * 3600)

struct certificate {
	const char *names;  /* subjectAltName; NULL: an authority */
	long from, until;   /* seconds from now */
	bool foreign;       /* signed by an authority that nobody trusts */
	bool itself;        /* signed by itself */
	int version;        /* highest TLS version that the server speaks; 0: any */
	bool plain;         /* no TLS at all behind the port */
};

struct tls_server {
	SSL_CTX *ctx;
	pthread_t thread;
	int listener;
	unsigned port;
	_Atomic unsigned requests, bytes;
	_Atomic bool stop;
	bool plain;
	char answer[256];
};

static EVP_PKEY *authority_key, *foreign_key;
static X509 *authority, *foreign;

static void
extension_add(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static X509 *
certificate_make(EVP_PKEY *key, const struct certificate *c, X509 *issuer, EVP_PKEY *issuer_key)
{
	static long serial = 1;
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	const char *cn = c->names ? "a server" : issuer_key == foreign_key ? "nobody's authority" : "an authority";

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(x), c->from);
	X509_gmtime_adj(X509_getm_notAfter(x), c->until);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name);
	extension_add(x, issuer ? issuer : x, NID_basic_constraints, c->names ? "critical,CA:FALSE" : "critical,CA:TRUE");
	if (c->names)
		extension_add(x, issuer ? issuer : x, NID_subject_alt_name, c->names);
	X509_sign(x, issuer_key, EVP_sha256());
	return x;
}

static void
authorities_make(char path[64])
{
	const struct certificate c = {.from = -DAY, .until = 30 * DAY};
	FILE *f;

	signal(SIGPIPE, SIG_IGN); /* a client that goes away in the handshake */
	if (!authority) {
		authority_key = EVP_EC_gen("P-256");
		foreign_key = EVP_EC_gen("P-256");
		authority = certificate_make(authority_key, &c, NULL, authority_key);
		foreign = certificate_make(foreign_key, &c, NULL, foreign_key);
	}
	strcpy(path, "/tmp/sluice-ca-XXXXXX");
	f = fdopen(mkstemp(path), "w");
	PEM_write_X509(f, authority);
	fclose(f);
}

/* ---- the server: one connection after the other, on a thread of its own ---- */

static void
plain_serve(struct tls_server *s, int fd)
{
	char in[4096];
	ssize_t n = recv(fd, in, sizeof in, 0);

	s->bytes += n > 0 ? (unsigned)n : 0;
	send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
}

static void
tls_serve(struct tls_server *s, int fd)
{
	SSL *ssl = SSL_new(s->ctx);
	char in[4096];
	int n;

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && (n = SSL_read(ssl, in, sizeof in)) > 0) {
		s->bytes += (unsigned)n;
		s->requests++;
		SSL_write(ssl, s->answer, (int)strlen(s->answer));
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
}

static void *
server_loop(void *arg)
{
	struct tls_server *s = arg;

	while (!s->stop) {
		struct timeval patience = {.tv_sec = 5};
		int fd = accept(s->listener, NULL, NULL);
		if (fd < 0 || s->stop)
			break;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		(s->plain ? plain_serve : tls_serve)(s, fd);
		close(fd);
	}
	return NULL;
}

static void
tls_begin(struct tls_server *s, const struct certificate *c, const char *answer)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = certificate_make(key, c, c->itself ? NULL : c->foreign ? foreign : authority,
	                           c->itself ? key : c->foreign ? foreign_key : authority_key);

	*s = (struct tls_server){.plain = c->plain};
	snprintf(s->answer, sizeof s->answer, "%s",
	         answer ? answer : "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{\"ok\":true}");
	s->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(s->ctx, 0);
	SSL_CTX_set_max_proto_version(s->ctx, c->version);
	SSL_CTX_set_min_proto_version(s->ctx, TLS1_VERSION);
	SSL_CTX_use_certificate(s->ctx, x);
	SSL_CTX_use_PrivateKey(s->ctx, key);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(s->listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(s->listener, 8) == 0);
	getsockname(s->listener, (struct sockaddr *)&at, &len);
	s->port = ntohs(at.sin_port);
	X509_free(x);
	EVP_PKEY_free(key);
	pthread_create(&s->thread, NULL, server_loop, s);
}

static void
tls_end(struct tls_server *s)
{
	s->stop = true;
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	SSL_CTX_free(s->ctx);
}

static const struct script nothing[] = {{0}};

/* One request with a token to https://HOST:port/. */
static void
ask(struct env *e, const char *ca, const char *host, const struct tls_server *s, struct got *g)
{
	env_open(e, nothing, &(struct proxy_options){.retries = 1, .ca_file = ca, .connect_ms = 5000});
	e->secret = secret_new(SLICE("canary-token"));
	snprintf(e->base, sizeof e->base, "https://%s:%u", host, s->port);
	env_target(e, &(struct proxy_target_options){.base_trusted = true,
	                                            .auth = {.kind = SLUICE_BEARER, .token = e->secret}});
	env_ask(e, (struct proxy_request){.endpoint = SLICE("/x")}, g);
}

TEST("a certificate of a trusted authority, in time and for this name, is believed; all others are not, and get nothing")
{
	static const struct {
		const char *what, *host, *says; /* says NULL: believed */
		struct certificate c;
	} cases[] = {
		{"good", "localhost", NULL, {.names = "DNS:localhost", .from = -DAY, .until = DAY}},
		{"good, by address", "127.0.0.1", NULL, {.names = "IP:127.0.0.1", .from = -DAY, .until = DAY}},
		{"another name", "localhost", "certificate", {.names = "DNS:example.com", .from = -DAY, .until = DAY}},
		{"no such address", "127.0.0.1", "certificate", {.names = "DNS:localhost", .from = -DAY, .until = DAY}},
		{"a name that only begins so", "localhost", "certificate", {.names = "DNS:localhost.example.com", .from = -DAY, .until = DAY}},
		{"expired", "localhost", "certificate", {.names = "DNS:localhost", .from = -2 * DAY, .until = -DAY}},
		{"not yet valid", "localhost", "certificate", {.names = "DNS:localhost", .from = DAY, .until = 2 * DAY}},
		{"of an unknown authority", "localhost", "certificate", {.names = "DNS:localhost", .from = -DAY, .until = DAY, .foreign = true}},
		{"signed by itself", "localhost", "certificate", {.names = "DNS:localhost", .from = -DAY, .until = DAY, .itself = true}},
		{"TLS 1.1 at most", "localhost", "TLS", {.names = "DNS:localhost", .from = -DAY, .until = DAY, .version = TLS1_1_VERSION}},
		{"TLS 1.2", "localhost", NULL, {.names = "DNS:localhost", .from = -DAY, .until = DAY, .version = TLS1_2_VERSION}},
		{"no TLS", "localhost", "TLS", {.names = "DNS:localhost", .from = -DAY, .until = DAY, .plain = true}},
	};
	char ca[64];

	authorities_make(ca);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct tls_server s;
		struct env e;
		struct got g = {0};

		tls_begin(&s, &cases[i].c, NULL);
		ask(&e, ca, cases[i].host, &s, &g);
		printf("# %s: %d %s\n", cases[i].what, g.status, g.err.text);
		if (cases[i].says) {
			CHECK_INT(g.err.cls, ERR_PROVIDER);
			CHECK_HAS(g.err.text, cases[i].says);
			CHECK_INT(s.requests, 0);
			CHECK(s.plain || s.bytes == 0);
		} else {
			CHECK_INT(g.status, 200);
			CHECK_STR(g.body.p, "{\"ok\":true}");
			CHECK_INT(s.requests, 1);
		}
		env_close(&e);
		tls_end(&s);
	}
	unlink(ca);
}

TEST("without a file of authorities the system's count, and one that cannot be read is named")
{
	const struct certificate good = {.names = "DNS:localhost", .from = -DAY, .until = DAY};
	struct tls_server s;
	char ca[64];

	authorities_make(ca);
	for (int i = 0; i < 2; i++) {
		struct env e;
		struct got g = {0};
		tls_begin(&s, &good, NULL);
		ask(&e, i ? "/nowhere/ca.pem" : NULL, "localhost", &s, &g);
		CHECK_HAS(g.err.text, i ? "authorities cannot be read" : "certificate");
		CHECK_INT(s.requests, 0);
		env_close(&e);
		tls_end(&s);
	}
	unlink(ca);
}

TEST("a redirect from https to http is not followed, and takes no token along")
{
	const struct certificate good = {.names = "DNS:localhost", .from = -DAY, .until = DAY};
	struct tls_server s, plain;
	char ca[64], answer[200];
	struct env e;
	struct got g = {0};

	authorities_make(ca);
	tls_begin(&plain, &(struct certificate){.names = "DNS:localhost", .until = DAY, .plain = true}, NULL);
	snprintf(answer, sizeof answer,
	         "HTTP/1.1 302 Found\r\nLocation: http://localhost:%u/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", plain.port);
	tls_begin(&s, &good, answer);
	ask(&e, ca, "localhost", &s, &g);
	CHECK_INT(s.requests, 1);
	CHECK_INT(plain.bytes, 0);
	env_close(&e);
	tls_end(&s);
	tls_end(&plain);
	X509_free(authority);
	X509_free(foreign);
	EVP_PKEY_free(authority_key);
	EVP_PKEY_free(foreign_key);
	unlink(ca);
}
