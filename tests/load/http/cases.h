/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTP_CASES_H
#define HTTP_CASES_H
/* What main.c's table of cases is made of. Each writes one connection down. */
struct conn;

/* plain.c */
void build_get(struct conn *c);
void build_post(struct conn *c);
void build_download(struct conn *c);
void build_echo(struct conn *c);
void build_late(struct conn *c);
void build_pipeline(struct conn *c);
void build_pipeline_half(struct conn *c);
void build_methods(struct conn *c);
void build_words(struct conn *c);
void build_statuses(struct conn *c);
void build_secrets(struct conn *c);
void build_heads(struct conn *c);
unsigned int count_heads(void);
void build_sizes(struct conn *c);

/* framing.c */
void build_chunked(struct conn *c);
void build_head(struct conn *c);
void build_nobody(struct conn *c);
void build_continue(struct conn *c);
void build_hints(struct conn *c);
void build_http10(struct conn *c);
void build_until_close(struct conn *c);
void build_upgrade(struct conn *c);
void build_h2c(struct conn *c);
void build_connect(struct conn *c);
void build_early(struct conn *c);
void build_splits(struct conn *c);
void build_cut(struct conn *c);
unsigned int count_cut(void);

/* odd.c */
void build_odd(struct conn *c);
unsigned int count_odd(void);

/* coding.c */
void build_codings(struct conn *c);
void build_texts(struct conn *c);

/* strange.c */
void build_strange(struct conn *c);
unsigned int count_strange(void);
void build_http2(struct conn *c);

/* life.c */
void build_short(struct conn *c);
void build_reuse(struct conn *c);
void build_idle(struct conn *c);
void build_blocked(struct conn *c);
void build_halfclose(struct conn *c);
void build_reset(struct conn *c);
void build_reset_server(struct conn *c);
void build_midhead(struct conn *c);
void build_midbody(struct conn *c);
void build_midresponse(struct conn *c);

/* together.c */
void build_together(struct conn *c);
#endif
