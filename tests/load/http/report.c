// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The truth: http.h says what it is. */
#include <fcntl.h>
#include "http.h"

typedef unsigned long long ull;

static const char *const side_names[SIDES] = {"client", "server"};

void report_setup(void)
{
	if (opt.path)
		printf("truth path %s\n", opt.path);
	else if (!opt.pair)
		printf("truth port %u\n", server_port());
	fflush(stdout);
}

static void text(const char *key, const char *s, size_t n)
{
	printf("\"%s\":\"", key);
	for (size_t i = 0; i < n; i++) {
		unsigned char b = s[i];

		if (b < 0x20 || b >= 0x7f || b == '"' || b == '\\')
			printf("\\u%04x", b);
		else
			putchar(b);
	}
	printf("\",");
}

static void text_or_null(const char *key, const char *s)
{
	if (s)
		text(key, s, strlen(s));
	else
		printf("\"%s\":null,", key);
}

static uint64_t within(const struct message *m, uint64_t pos)
{
	return pos <= m->begin ? 0 : (pos < m->end ? pos : m->end) - m->begin;
}

/* "conn" to "before": what messages and other bytes have in common. */
static void common(const struct conn *c, const struct message *m, const char *type)
{
	const char *start = c->data[m->side] + m->begin;
	const struct counts *k = &c->counts[m->side];
	size_t len = m->end - m->begin;
	const char *lf = memchr(start, '\n', len);
	const char *name = m->name[0] ? m->name : c->name ?: "";

	len = lf ? (size_t)(lf - start) : len < 64 ? len : 64;
	if (len && start[len - 1] == '\r')
		len--;
	printf("{\"type\":\"%s\",\"conn\":%u,", type, c->id);
	text("name", name, strlen(name));
	text("from", side_names[m->side], 6);
	text("start", start, len);
	printf("\"bytes\":%llu,\"received\":%llu,\"before\":%llu,", (ull)within(m, k->bytes[0]),
	       (ull)within(m, c->counts[!m->side].bytes[1]), (ull)within(m, k->before[0]));
}

/* Its second word is the url, or the status; the first the method. */
static void words(const struct conn *c, const struct message *m)
{
	const char *start = c->data[m->side] + m->begin, *end = c->data[m->side] + m->end;
	const char *lf = memchr(start, '\n', end - start), *method_end, *url, *url_end;

	lf = lf ?: end;
	for (method_end = start; method_end < lf && *method_end != ' '; method_end++)
		;
	for (url = method_end; url < lf && *url == ' '; url++)
		;
	for (url_end = url; url_end < lf && !strchr(" \r\n", *url_end); url_end++)
		;
	if (m->side == SERVER) {
		printf("\"method\":null,\"url\":null,\"status\":%d,", url < lf ? atoi(url) : 0);
		return;
	}
	text("method", start, method_end - start);
	text("url", url, url_end - url);
	printf("\"status\":null,");
}

static void list(const char *key, const char *s)
{
	printf("\"%s\":[", key);
	while (*s) {
		size_t n = strcspn(s, ",");

		printf("\"%.*s\"%s", (int)n, s, s[n] ? "," : "");
		s += n + (s[n] == ',');
	}
	printf("],");
}

static void message(const struct conn *c, const struct message *m)
{
	common(c, m, "message");
	words(c, m);
	printf("\"number\":%u,\"answers\":", m->number);
	if (m->answers)
		printf("%u,", m->answers);
	else
		printf("null,");
	printf("\"interim\":%s,\"headers\":%u,\"trailers\":%u,\"head_bytes\":%llu,",
	       m->interim ? "true" : "false", m->headers, m->trailers, (ull)m->head_bytes);
	printf("\"body_bytes\":%llu,\"body_sha256\":\"%s\",\"framing\":\"%s\",\"complete\":%s,",
	       (ull)m->body_bytes, m->sha, m->framing, m->cut ? "false" : "true");
	text_or_null("coding", m->coding);
	if (m->decodes)
		printf("\"decoded_bytes\":%llu,", (ull)m->decoded_bytes);
	else
		printf("\"decoded_bytes\":null,");
	text_or_null("decoded_sha256", m->decodes ? m->decoded_sha : NULL);
	list("anomalies", m->anomalies);
	printf("\"send_calls\":%llu,\"recv_calls\":%llu,\"pid\":%d,\"tid\":%d,\"peer_pid\":%d,"
	       "\"peer_tid\":%d}\n",
	       (ull)m->calls[0], (ull)m->calls[1], m->pid[0], m->tid[0], m->pid[1], m->tid[1]);
}

static void other_bytes(const struct conn *c, const struct message *m)
{
	common(c, m, "other");
	text_or_null("sni", m->sni);
	printf("\"what\":\"%s\"}\n", m->what);
}

static void counts(const char *key, const struct counts *k)
{
	printf("\"%s\":{\"sent\":%llu,\"received\":%llu,\"sent_before\":%llu,"
	       "\"received_before\":%llu,\"discarded\":%llu,\"send_calls\":%llu,"
	       "\"recv_calls\":%llu,",
	       key, (ull)k->bytes[0], (ull)k->bytes[1], (ull)k->before[0], (ull)k->before[1],
	       (ull)k->discarded, (ull)k->calls[0], (ull)k->calls[1]);
	printf("\"short\":%llu,\"eagain\":%llu,\"eintr\":%llu,\"peeks\":%llu,\"peeked\":%llu",
	       (ull)k->short_sends, (ull)k->eagain, (ull)k->eintr, (ull)k->peeks, (ull)k->peeked);
}

static void connection(const struct conn *c)
{
	const struct counts *client = &c->counts[CLIENT], *server = &c->counts[SERVER];
	uint64_t sent = client->bytes[0] + server->bytes[0];

	printf("{\"type\":\"connection\",\"conn\":%u,", c->id);
	text_or_null("name", c->name ?: "");
	printf("\"proto\":\"%s\",", opt.pair	? "pair"
				    : opt.path	? "unix"
				    : opt.proto ? "mptcp"
						: "tcp");
	if (opt.path)
		text("path", opt.path, strlen(opt.path));
	else if (!opt.pair)
		printf("\"client_address\":\"%s\",\"client_port\":%u,\"server_address\":\"%s\","
		       "\"server_port\":%u,",
		       address_text(), c->port[CLIENT], address_text(), server_port());
	printf("\"reset\":%s,\"bytes\":%llu,\"unread\":%llu,", c->reset ? "true" : "false",
	       (ull)sent, (ull)(sent - client->bytes[1] - server->bytes[1]));
	counts("client", client);
	printf("},");
	counts("server", server);
	printf("}}\n");
}

static void sum(int side)
{
	struct counts all = {};

	for (int64_t i = 0; i < opt.conns; i++) {
		const uint64_t *k = (const uint64_t *)&conns[i].counts[side];

		for (size_t j = 0; j < sizeof(all) / sizeof(*k); j++)
			((uint64_t *)&all)[j] += k[j];
	}
	counts(side_names[side], &all);
	printf(",\"pid\":%d,\"tid\":%d,", shared->pid[side], shared->tid[side]);
	text("comm", shared->comm[side], strnlen(shared->comm[side], 15));
	printf("\"side\":\"%s\"}", side_names[side]);
}

static void how_names(const char *key, const char *client, const char *server)
{
	printf("\"%s\":\"%s%s%s\",", key, client, client == server ? "" : "/",
	       client == server ? "" : server);
}

/* Of all that was to be sent all must have been; of a connection that was not reset all read. */
static void check(const struct conn *c)
{
	for (int side = 0; side < SIDES; side++) {
		uint64_t sent = c->counts[side].bytes[0], read = c->counts[!side].bytes[1];

		if (sent != c->len[side] || read > sent || (read < sent && !c->reset))
			wrong("connection %u: the %s sent %llu bytes of %zu, %llu were read", c->id,
			      side_names[side], (ull)sent, c->len[side], (ull)read);
	}
}

void report(void)
{
	unsigned int n[SIDES] = {}, interim = 0, others = 0;

	for (int64_t i = 0; i < opt.conns; i++) {
		const struct conn *c = &conns[i];

		check(c);
		for (unsigned int j = 0; j < c->nmessages; j++) {
			const struct message *m = &c->messages[j];

			if (m->what)
				other_bytes(c, m);
			else
				message(c, m);
			n[m->side] += !m->what && !m->interim;
			interim += m->interim;
			others += !!m->what;
		}
		connection(c);
	}
	printf("{\"type\":\"truth\",\"case\":\"%s\",", the_case->name);
	how_names("send", opt.send[CLIENT]->name, opt.send[SERVER]->name);
	how_names("recv", opt.recv[CLIENT]->name, opt.recv[SERVER]->name);
	printf("\"ok\":true,\"connections\":%lld,\"requests\":%u,\"responses\":%u,\"interim\":%u,"
	       "\"others\":%u,\"port\":%u,\"pid\":%d,\"fastopen\":%llu,",
	       (long long)opt.conns, n[CLIENT], n[SERVER], interim, others, server_port(), getpid(),
	       (ull)shared->fastopen);
	sum(CLIENT);
	printf(",");
	sum(SERVER);
	printf("}\n");
}

static void save(const char *what, unsigned int id, const void *p, size_t n)
{
	char *path;
	FILE *f;

	if (asprintf(&path, "%s/%u.%s", opt.save, id, what) < 0)
		die("asprintf");
	f = fopen(path, "w");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f))
		die(path);
	free(path);
}

void save_streams(void)
{
	static const char *const kinds[] = {"send", "shut", "reset", "sleep", "gate"};

	for (int64_t i = 0; i < opt.conns; i++) {
		const struct conn *c = &conns[i];
		char *steps;
		size_t size;
		FILE *f = need(open_memstream(&steps, &size));

		for (unsigned int j = 0; j < c->nsteps; j++)
			fprintf(f, "%s %s %llu\n",
				c->steps[j].side < 0 ? "both" : side_names[c->steps[j].side],
				kinds[c->steps[j].kind], (ull)c->steps[j].end);
		fprintf(f, "%s close 0\n", side_names[c->closer]);
		fclose(f);
		save("client", i, c->data[CLIENT], c->len[CLIENT]);
		save("server", i, c->data[SERVER], c->len[SERVER]);
		save("steps", i, steps, size);
		free(steps);
	}
}
