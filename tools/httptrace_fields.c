// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The plain values of a transaction: what JSON lines and --csv have in common, said once.
 */
#include "httptrace_rows.h"
#include "run.h"
#include <string.h>

static const struct value none;

static struct value number(uint64_t n)
{
	return (struct value){VALUE_NUMBER, n, {}};
}

static struct value number_or_none(uint64_t n, bool known)
{
	return known ? number(n) : none;
}

static struct value us(uint64_t n)
{
	return number_or_none(n, n != UINT64_MAX);
}

static struct value word_n(const char *s, size_t n)
{
	return n ? (struct value){VALUE_WORD, 0, {s, n}} : none;
}

static struct value word(const char *s)
{
	return word_n(s, s ? strlen(s) : 0);
}

static struct value text(const char *s, size_t n)
{
	return n ? (struct value){VALUE_TEXT, 0, {s, n}} : none;
}

static struct value flag(bool b)
{
	return (struct value){VALUE_BOOL, b, {}};
}

static struct value flag_or_none(bool b)
{
	return b ? flag(true) : none;
}

static struct value percent(unsigned int n)
{
	return (struct value){VALUE_PERCENT, n, {}};
}

/* Readers that count in doubles would change such numbers. */
static struct value cookie(struct view *v, uint64_t id)
{
	return word_n(v->word, decimal(v->word, id) - v->word);
}

static struct value hex(struct view *v, const uint8_t *id, size_t n)
{
	return word_n(ids_hex(v->word, id, n), 2 * n);
}

static struct value span_hex(struct view *v, const uint8_t id[8])
{
	static const uint8_t zero[8];

	return memcmp(id, zero, sizeof(zero)) ? hex(v, id, 8) : none;
}

static struct value trace_hex(struct view *v)
{
	const struct trace *t = trace_of(v->s);

	return t ? hex(v, t->id, sizeof(t->id)) : none;
}

static const struct ends *ends(const struct span *s)
{
	const struct hop *h = s->hop;

	return ends_of(h->id, &h->flow, h->peer, h->proto, s->role);
}

static struct value client_end(const struct span *s)
{
	const struct ends *e = ends(s);

	return word_n(e->client, e->client_len);
}

static struct value server_end(const struct span *s)
{
	const struct ends *e = ends(s);

	return word_n(e->server, e->server_len);
}

static struct value version(struct view *v)
{
	memcpy(v->word, "1.", 2);
	return word_n(v->word, decimal(v->word + 2, v->s->minor) - v->word);
}

static struct value between(uint64_t from_ns, uint64_t to_ns)
{
	if (!from_ns || !to_ns)
		return none;
	return number(to_ns > from_ns ? (to_ns - from_ns) / 1000 : 0);
}

static struct value route(struct view *v)
{
	const struct span *s = v->s;

	return text(v->route, route_of(SPAN_URL(s), s->url_len, v->route, sizeof(v->route)));
}

/* Where a thread has a name of its own */
static struct value thread(const struct span *s)
{
	struct text comm = comm_of(s);
	size_t n = strnlen(s->who->comm, sizeof(s->who->comm));

	return n == comm.n && !memcmp(s->who->comm, comm.s, n) ? none : text(s->who->comm, n);
}

static struct value unix_path(const struct hop *h)
{
	return text(h->path, h->path ? strlen(h->path) : 0);
}

/* PROMISED: always there, null where nothing is known. */
#define FIELDS(PROMISED, OPTIONAL)                                                                 \
	PROMISED(timestamp, word(row_rfc3339(v->word, run_wall(s->first_ns ?: s->head_ns))))       \
	PROMISED(role, word(cap_role_names[s->role]))                                              \
	PROMISED(pid, number(s->who->pid))                                                         \
	PROMISED(tid, number(s->who->tid))                                                         \
	PROMISED(comm, text(comm_of(s).s, comm_of(s).n))                                           \
	OPTIONAL(thread, thread(s))                                                                \
	PROMISED(goid, number_or_none(s->who->goid, s->who->goid))                                 \
	PROMISED(client, client_end(s))                                                            \
	PROMISED(server, server_end(s))                                                            \
	PROMISED(method, text(SPAN_METHOD(s), s->method_len))                                      \
	PROMISED(url, text(SPAN_URL(s), s->url_len))                                               \
	PROMISED(host, text(SPAN_HOST(s), s->host_len))                                            \
	PROMISED(status, number_or_none(s->status, s->status))                                     \
	PROMISED(version, version(v))                                                              \
	PROMISED(request_bytes, number(s->request_bytes))                                          \
	PROMISED(response_bytes,                                                                   \
		 number_or_none(s->response_bytes, s->status || s->response_bytes))                \
	PROMISED(queue_us, us(v->t.queue_us))                                                      \
	PROMISED(request_us, us(v->t.request_us))                                                  \
	PROMISED(wait_us, us(v->t.wait_us))                                                        \
	PROMISED(response_us, us(v->t.response_us))                                                \
	PROMISED(total_us, us(v->t.total_us))                                                      \
	PROMISED(outcome, word(span_outcome_names[s->outcome]))                                    \
	PROMISED(trace_id, trace_hex(v))                                                           \
	PROMISED(span_id, span_hex(v, s->span_id))                                                 \
	PROMISED(parent_span_id, span_hex(v, s->parent_id))                                        \
	PROMISED(link, word(span_link_names[s->link]))                                             \
	PROMISED(confidence, s->link ? percent(s->percent) : none)                                 \
	PROMISED(complete, flag(s->complete))                                                      \
	OPTIONAL(why, s->complete || !s->why ? none : word(http1_why_name(s->why)))                \
	PROMISED(lost_bytes, number(s->lost_bytes))                                                \
	OPTIONAL(error, flag_or_none(s->error))                                                    \
	OPTIONAL(early_response, flag_or_none(s->early))                                           \
	OPTIONAL(assumed, flag_or_none(s->assumed))                                                \
	PROMISED(route, route(v))                                                                  \
	OPTIONAL(first_byte_us, between(s->first_ns, s->answer_ns))                                \
	OPTIONAL(interim_us, between(s->first_ns, s->interim_ns))                                  \
	OPTIONAL(idle_us, us(v->t.idle_us))                                                        \
	OPTIONAL(server_us, us(v->t.server_us))                                                    \
	OPTIONAL(network_us, us(v->t.network_us))                                                  \
	OPTIONAL(peer_span_id, s->peer ? span_hex(v, s->peer->span_id) : none)                     \
	OPTIONAL(nat, flag_or_none(s->nat))                                                        \
	OPTIONAL(candidate_count, number_or_none(s->ncandidates, s->ncandidates))                  \
	OPTIONAL(request_id, text(SPAN_REQUEST_ID(s), s->request_id_len))                          \
	OPTIONAL(trace_state, text(SPAN_STATE(s), s->state_len))                                   \
	PROMISED(connection, cookie(v, s->hop->id))                                                \
	PROMISED(number, number(s->number))                                                        \
	PROMISED(uid, number_or_none(s->who->task->uid, s->who->task->uid_known))                  \
	PROMISED(container, text(s->who->task->container, strlen(s->who->task->container)))        \
	PROMISED(netns, number_or_none(s->hop->flow.netns, s->hop->flow.netns))                    \
	OPTIONAL(path, unix_path(s->hop))                                                          \
	PROMISED(weight, number(hold_weight(s)))

#define GET(NAME, VALUE)                                                                           \
	static struct value get_##NAME(struct view *v) {                                           \
		const struct span *s = v->s;                                                       \
                                                                                                   \
		(void)s;                                                                           \
		return VALUE;                                                                      \
	}
FIELDS(GET, GET)

#define ROW(NAME, PROMISED)                                                                        \
	{#NAME,	   ",\"" #NAME "\":", sizeof(#NAME) - 1, sizeof(",\"" #NAME "\":") - 1,            \
	 PROMISED, get_##NAME},
#define ALWAYS(NAME, VALUE)    ROW(NAME, true)
#define SOMETIMES(NAME, VALUE) ROW(NAME, false)
const struct field fields[] = {FIELDS(ALWAYS, SOMETIMES)};
const size_t nfields = sizeof(fields) / sizeof(*fields);

void view_of(struct view *v, const struct span *s)
{
	v->s = s;
	span_times(s, &v->t);
}

char *put_percent(char *p, uint64_t n)
{
	if (n >= 100)
		return decimal(p, n / 100);
	*p++ = '0';
	if (!n)
		return p;
	*p++ = '.';
	*p++ = '0' + n / 10;
	if (n % 10)
		*p++ = '0' + n % 10;
	return p;
}
