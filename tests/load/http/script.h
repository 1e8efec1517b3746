/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTP_SCRIPT_H
#define HTTP_SCRIPT_H
/*
 * Writing a conversation down. There is one open message to a side; request(), response(), other()
 * and resume() say whose. What is added goes into its bytes; go() makes a step of all that its side
 * has added since its last.
 */
struct conn;
#define PRINTF(a, b) __attribute__((format(printf, a, b)))

void script_begin(struct conn *c);
void script_end(struct conn *c); /* goes, and hands the messages to shared memory */

void request(const char *fmt, ...) PRINTF(1, 2); /* the start-line, without its end */
/* To the first request unanswered: "200 OK", or all of the start-line. */
void response(const char *fmt, ...) PRINTF(1, 2);
void other(int side, const char *what, const char *sni);
void resume(int side);
void header(const char *fmt, ...) PRINTF(1, 2);
void head_end(const char *framing); /* the empty line */
void raw_head(const void *head, size_t n, const char *framing, const char *anomalies);
void body(const void *p, size_t n);
void body_is(const void *p, size_t n); /* it is, but bytes() puts it on the wire */
void chunk(const void *p, size_t n, const char *ext); /* ext: "" or ";a=b" */
void chunk_sized(const char *size_line, const void *p, size_t n);
void last_chunk(const char *trailers, unsigned int n); /* "A: b\r\n", or "" */
void bytes(const void *p, size_t n); /* that are in no body: framing, other's */
void named(const char *name);
void odd(const char *anomalies); /* "a,b" */
void coded(const char *coding, const void *plain, size_t n); /* plain NULL: not decodable */
void end_message(void);
void cut_message(void);

void go(void);
void split_at(size_t n); /* a step of the first n of the bytes that are not in one yet */
void pause_ms(int side, unsigned int ms);
void shut(int side);
void reset_by(int side);
void gate(void);
size_t pending(void); /* bytes of this side that are in no step yet */

/* Whole messages, that went. */
void get(const char *target);
void answer(const char *status, const void *p, size_t n);
void post(const char *target, const void *p, size_t n);

/* Bytes to send. The caller frees; the same for the same seed. */
char *text_of(size_t n, unsigned int seed);
char *noise_of(size_t n, unsigned int seed);
unsigned int next_random(unsigned int *seed);
#endif
