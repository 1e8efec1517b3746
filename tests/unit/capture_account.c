// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The account: it holds where all was told, and only there. */
#include "unit/capture_t.h"

static char text[4096];

/* A run with an exchange; counts of the kernel half, changed at n by diff. */
static bool run(int n, int diff, bool last)
{
	struct cap_counts_rec r;
	struct json j;
	bool ok;

	start(0);
	conn(7, CAP_ROLE_CLIENT, false);
	data(7, CAP_SEND, 0, GET);
	data_part(7, CAP_RECV, 0, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", 91, CAP_LIMIT);
	r = counts_rec(NGET + 39, 52);
	r.last = last;
	r.n[n] += diff;
	T_EQ(capture_record(CAP_REC_COUNTS, &r, sizeof(r), NULL), 0);
	finish();
	json_init(&j);
	json_open(&j, NULL, '{');
	*text = 0;
	ok = capture_account(&j, text, sizeof(text));
	json_close(&j, '}');
	if (!diff) {
		T_OK(strstr(json_text(&j), "\"unread_limit\":52"));
		T_OK(strstr(json_text(&j), "\"bytes_captured\":66"));
	}
	json_free(&j);
	return ok;
}

static void test_balance(void)
{
	T_OK(run(0, 0, true));
	T_OK(strstr(text, "bytes 118 = captured 66 + not wanted 52\n"));
	T_OK(!strstr(text, "not equal"));
	T_OK(run(CAP_N_PEEKS, 5, true));
	T_OK(!run(CAP_N_SENT, 1, true));
	T_OK(strstr(text, "not equal: bytes of calls 119 and 118"));
	T_OK(!run(CAP_N_RECEIVED, 1, true));
	T_OK(!run(CAP_N_CAPTURED, 1, true));
	T_OK(!run(CAP_N_NOT_HTTP, 1, true));
	T_OK(!run(CAP_N_RING, -1, true));
	for (int i = 0; i < CAP_CAUSES; i++)
		T_OK(!run(CAP_N_UNREAD + i, 1, true));
	T_OK(run(CAP_N_SENT, 1, false));
	T_STR(text, "the last poll is missing: there is no account");
}

/* Each sum of the user half, too. */
static void test_own(void)
{
	uint64_t *const own[] = {&capture_stats.data_bytes,	   &capture_stats.no_memory_bytes,
				 &capture_stats.streams.in,	   &capture_stats.streams.lost,
				 &capture_stats.streams.delivered, &capture_stats.http.fed,
				 &capture_stats.http.opaque};
	struct json j;

	json_init(&j);
	T_OK(run(0, 0, true));
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		++*own[i];
		*text = 0;
		T_OK(!capture_account(&j, text, sizeof(text)));
		--*own[i];
	}
	/* Records that were dropped are not expected. */
	capture_stats.data_bytes++;
	capture_stats.streams.in++;
	capture_stats.streams.duplicate++;
	T_OK(!capture_account(&j, text, sizeof(text)));
	capture_stats.bad_records = 1;
	strcpy(text, "before");
	T_OK(capture_account(&j, text, sizeof(text)));
	T_OK(!strncmp(text, "before\nbytes 118 = ", 19));
	T_OK(capture_account(&j, text, 10));
	T_EQ(strlen(text), 9);
	json_free(&j);
}

static void test_names(void)
{
	for (int i = 0; i < CAP_COUNTS; i++)
		for (int k = 0; k < i; k++)
			T_OK(cap_count_names[i] && strcmp(cap_count_names[i], cap_count_names[k]));
	for (int i = 0; i < CAP_CAUSES; i++)
		T_OK(cap_cause_names[i]);
	T_STR(cap_backend_names[CAP_BE_TRACEPOINT], "tracepoint");
	T_STR(cap_role_names[CAP_ROLE_SERVER], "server");
}

int main(void)
{
	test_balance();
	test_own();
	test_names();
	return t_done();
}
