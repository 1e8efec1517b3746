// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Conversations of which records are lost, come twice or late: no response is given to another
 * request than its own, and each byte is accounted for.
 *
 * usage: capture_model [RUNS [FIRST]]
 */
#include "unit/capture_model.h"
#include "unit/t.h"

#define RUNS	3000 /* of each kind */
#define SESSION 20 /* of them one after the other */

/* Of one connection: what the request with each number says, and what its responses do. */
struct seen {
	char request[64][8];
	char response[64][4][8];
	uint32_t nresponse[64];
};

static uint64_t pairs, answers, wrong, broken, raw_bytes;
static bool in_turns;

static void on_conn(struct cap_conn *c)
{
	c->user = calloc(1, sizeof(struct seen));
	if (!c->user)
		abort();
}

static void on_raw(struct cap_conn *c, int dir, uint64_t pos, uint64_t ns, const void *data,
		   uint64_t len)
{
	raw_bytes += data ? len : 0;
}

static void on_gone(struct cap_conn *c)
{
	struct seen *s = c->user;

	for (int i = 1; i < 64; i++)
		for (uint32_t k = 0; k < s->nresponse[i]; k++)
			wrong += strcmp(s->request[i], s->response[i][k]) != 0;
	free(s);
}

static void on_head(void *ctx, struct http1_msg *m)
{
	struct seen *s = ((struct cap_conn *)ctx)->user;
	const struct http1_header *h = m->headers;

	if (m->request && m->number < 64)
		snprintf(s->request[m->number], 8, "%.*s", (int)m->target.len,
			 m->text + m->target.at);
	if (m->request || !m->nheaders || h->value.len < 2)
		return;
	answers++;
	/* It is told of these that they are no more than likely. */
	if (!m->answers || (m->assumed && !in_turns))
		return;
	pairs++;
	if (m->answers >= 64 || s->nresponse[m->answers] == 4)
		broken++;
	else
		snprintf(s->response[m->answers][s->nresponse[m->answers]++], 8, "%.*s",
			 (int)h->value.len, m->text + h->value.at);
}

static const struct capture_ops ops = {
	.conn = on_conn, .raw = on_raw, .gone = on_gone, .http1 = {.head = on_head}};

static void account(void)
{
	const struct streams *all = &capture_stats.streams;
	const struct http1_bytes *h = &capture_stats.http;

	broken += all->held || all->total || all->waiting || capture_stats.conns_open;
	broken += all->in != capture_stats.data_bytes;
	broken += all->in != all->delivered + all->skipped + all->duplicate + all->after_end;
	broken += all->delivered + all->skipped + all->lost != h->fed;
	broken += h->fed != h->messages + h->skipped + h->opaque + h->lost;
	broken += all->delivered != raw_bytes;
}

/* Some connections, one after the other. */
static void session(const struct model *kind, uint64_t seed)
{
	struct cap_start_rec start = {.now_ns = 1000};
	struct capture_options o = {};
	uint64_t now = 1000;

	chance = seed * 0x9e3779b97f4a7c15 | 1;
	any(2);
	raw_bytes = 0;
	if (capture_init(&ops, &o) || capture_record(CAP_REC_START, &start, sizeof(start), NULL))
		abort();
	for (uint32_t i = 0; i < SESSION; i++) {
		struct model *m = malloc(sizeof(*m));

		if (!m)
			abort();
		*m = *kind;
		m->id = i + 1;
		m->now = now;
		model_run(m);
		now = m->now + 1000;
		free(m);
	}
	capture_finish();
	account();
}

static const char *const manners[] = {"in turns", "in batches", "in a window"};

/*
 * What is lost how. A client that pipelines shows it first; where it was joined in its midst nobody
 * can know, so that there are only the others.
 */
static const struct kind {
	const char *what;
	struct model m;
	unsigned int least[MANNERS]; /* responses that are paired, in percent; 0: not to be run */
} kinds[] = {
	{"nothing lost", {}, {100, 100, 100}},
	{"late", {.numbers = true, .late = 100}, {95, 99, 99}},
	{"some lost", {.numbers = true, .late = 50, .twice = 30, .drop = 50}, {75, 65, 70}},
	{"few lost", {.numbers = true, .late = 10, .drop = 10, .slow = true}, {90, 85, 90}},
	{"bursts lost",
	 {.numbers = true, .late = 100, .drop = 30, .burst = 8, .slow = true},
	 {75, 80, 80}},
	{"joined", {.numbers = true, .late = 100, .drop = 50, .joined = true}, {50}},
	{"without numbers", {.twice = 30, .drop = 50, .burst = 4}, {65, 65, 70}},
	{"joined, without numbers", {.drop = 50, .joined = true}, {40}},
};

/* What went wrong once. */
static const struct found {
	const char *what;
	int manner;
	uint64_t seed;
} found[] = {
	{"joined", IN_TURNS, 103329},
	{"bursts lost", IN_TURNS, 7032979},
};

static void again(const struct found *f)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct model m = kinds[i].m;

		if (strcmp(kinds[i].what, f->what))
			continue;
		m.manner = f->manner;
		in_turns = f->manner == IN_TURNS;
		session(&m, f->seed);
	}
	if (wrong || broken)
		printf("%s, %s: seed %llu\n", manners[f->manner], f->what,
		       (unsigned long long)f->seed);
}

static void many(const struct kind *k, int manner, uint64_t runs, uint64_t first)
{
	struct model m = k->m;
	double percent;

	m.manner = manner;
	in_turns = manner == IN_TURNS;
	pairs = answers = 0;
	for (uint64_t seed = first; seed < first + runs / SESSION; seed++) {
		session(&m, seed);
		if (!wrong && !broken)
			continue;
		printf("%s, %s: seed %llu\n", manners[manner], k->what, (unsigned long long)seed);
		return;
	}
	percent = pairs * 100.0 / answers;
	printf("%s, %s: %.1f%% of responses are paired\n", manners[manner], k->what, percent);
	T_OK(percent >= k->least[manner]);
}

int main(int argc, char **argv)
{
	uint64_t runs = argc > 1 ? strtoull(argv[1], NULL, 10) : RUNS;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !wrong && !broken; i++)
		for (int k = 0; k < MANNERS; k++)
			if (kinds[i].least[k])
				many(&kinds[i], k, runs, first);
	for (size_t i = 0; i < sizeof(found) / sizeof(*found) && !wrong && !broken; i++)
		again(&found[i]);
	T_EQ(wrong, 0);
	T_EQ(broken, 0);
	return t_done();
}
