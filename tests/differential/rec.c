// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * rec DIR: from standard input conversations, as corpus.py writes them; to
 * DIR/httpsniff-conversations.rec what a server's kernel half would tell of them. A conversation is
 * a connection, whose cookie is its number.
 */
#pragma GCC diagnostic ignored "-Wunused-function" /* not all of the world is needed */
#include "../golden/httpsniff-world.h"

enum { OPEN, DATA, END, CLOSE, RESET };

/* What corpus.py writes before the bytes of a step; little-endian. */
struct step {
	uint32_t number; /* of the conversation, from 1 */
	uint8_t what;
	uint8_t dir; /* enum cap_dir */
	uint16_t pad;
	uint32_t len; /* of the bytes behind it; of OPEN: where both directions count from */
};

static void read_all(void *buf, size_t len)
{
	if (fread(buf, 1, len, stdin) != len) {
		fprintf(stderr, "rec: a step is cut\n");
		exit(1);
	}
}

static void open_conn(struct conn *c, const struct step *s, struct who who)
{
	*c = conn(s->number, CAP_ROLE_SERVER, who);
	for (int i = 0; i < 2; i++)
		c->at[i] = c->r.seq[i] = s->len;
	tell(c);
}

int main(int argc, char **argv)
{
	static char bytes[RECORD_MAX_LEN / 2];
	struct cap_start_rec first = start();
	struct step s;
	struct conn c;
	struct who who;

	if (argc != 2) {
		fprintf(stderr, "usage: rec DIR\n");
		return 2;
	}
	dir = argv[1];
	first.max_body = first.max_header = UINT64_MAX;
	begin("conversations", &first);
	who = PROCESS(100, "server", "server");
	while (fread(&s, sizeof(s), 1, stdin) == 1) {
		if (s.what == DATA && s.len <= sizeof(bytes)) {
			read_all(bytes, s.len);
			says(&c, s.dir, bytes, s.len);
			continue;
		}
		switch (s.what) {
		case OPEN: open_conn(&c, &s, who); break;
		case END: ends(&c, s.dir); break;
		case CLOSE: closes(&c, false); break;
		case RESET: closes(&c, true); break;
		default: fprintf(stderr, "rec: a step is odd\n"); return 1;
		}
	}
	poll_ends(true);
	end();
	return 0;
}
