/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TCP_CASES_H
#define TCP_CASES_H
/* The parts that main.c's table of cases is made of. */
struct end;

/* turns.c */
void client_bytewise(struct end *e);
void client_epoll(struct end *e);
void client_idle(struct end *e);
void client_oob(struct end *e);
void client_partial(struct end *e);
void client_peek(struct end *e);
void client_pipeline(struct end *e);
void client_slow(struct end *e);
void client_banner(struct end *e);
void client_smallbuf_main(void);
void client_trunc(struct end *e);
void client_twosends(struct end *e);
void client_zerosend(struct end *e);
void serve_banner(struct end *e);
void serve_bytewise(struct end *e);
void serve_oob(struct end *e);
void serve_peek(struct end *e);
void serve_slow(struct end *e);
int prepare_pipeline(void);

/* knobs.c */
void client_cork(struct end *e);
void client_lowat(struct end *e);
void client_nagle(struct end *e);
void client_quickack(struct end *e);
void client_waitall(struct end *e);
void serve_nagle(struct end *e);
void serve_pieces(struct end *e);

/* life.c */
void client_deferaccept(struct end *e);
void client_halfclose(struct end *e);
void client_old_main(void);
void client_reconnect_main(void);
void client_refused_main(void);
void client_reuse_main(void);
void client_rst(struct end *e);
void client_selfconnect_main(void);
void client_short_main(void);
void client_unread(struct end *e);
void serve_halfclose(struct end *e);
void serve_rst(struct end *e);
void server_counted_main(void);
void server_deferaccept_main(void);
void server_first_main(void);
void server_none_main(void);
void server_old_main(void);
void server_passed_main(void);
void server_short_main(void);
void server_waiting_main(void);
int prepare_selfconnect(void);

/* flow.c */
void both_duplex(struct end *e);
void client_blocked_main(void);
void client_oneway(struct end *e);
void client_oneway_down(struct end *e);
void client_saturate_main(void);
void client_threads(struct end *e);
void serve_oneway(struct end *e);
void serve_oneway_down(struct end *e);
void server_blocked_main(void);
void server_saturate_main(void);

/* many.c */
void client_many_main(void);
void server_many_main(void);
int prepare_files(void);
int prepare_many(void);

/* bypass.c */
void client_splice_in(struct end *e);
void client_zcrecv(struct end *e);
void serve_sendfile(struct end *e);
void serve_splice_in(struct end *e);
void serve_splice_out(struct end *e);
void serve_zerocopy(struct end *e);

/* uring.c */
void client_uring(struct end *e);
void serve_uring(struct end *e);
int prepare_uring(void);

/* kinds.c */
void client_ktls(struct end *e);
void client_mptcp(struct end *e);
void client_netns_main(void);
void client_tfo_main(void);
void serve_ktls(struct end *e);
void server_netns_main(void);
void server_tfo_main(void);
int prepare_ktls(void);
int prepare_mptcp(void);
int prepare_mptcp_plain(void);
int prepare_netns(void);
int prepare_tfo(void);
#endif
