/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTP_HOWS_H
#define HTTP_HOWS_H
/* The less plain ways, for the tables in send.c and recv.c. */
#include "http.h"

/* pipe.c */
void all_sendfile(struct end *e, const char *p, size_t n);
void all_sendfile_whole(struct end *e, const char *p, size_t n);
void all_splice(struct end *e, const char *p, size_t n);
void all_vmsplice(struct end *e, const char *p, size_t n);
ssize_t from_splice(struct end *e, size_t want);

/* special.c */
void all_zerocopy(struct end *e, const char *p, size_t n);
void all_fastopen(struct end *e, const char *p, size_t n);
ssize_t by_compat(struct end *e, const char *p, size_t n);
ssize_t from_compat(struct end *e, size_t want);
ssize_t from_mapped(struct end *e, size_t want);
void setup_signals(struct end *e);
int can_compat(unsigned int arg);
int can_mapped(unsigned int arg);

/* uring.c */
enum give {
	GIVE_SEND,
	GIVE_WRITE,
	GIVE_WRITEV,
	GIVE_SENDMSG,
	GIVE_SENDMSG300,
	GIVE_FIXED,
	GIVE_ZC,
	GIVE_MSG_ZC,
	GIVE_ASYNC,
	GIVE_SQPOLL,
	GIVE_LINKED,
};
enum get {
	GET_RECV,
	GET_READ,
	GET_READV,
	GET_RECVMSG,
	GET_FIXED,
	GET_ASYNC,
	GET_SQPOLL,
	GET_SELECT,
	GET_MULTI,
};
ssize_t uring_give(struct end *e, const char *p, size_t n);
ssize_t uring_get(struct end *e, size_t want);
int can_give(unsigned int arg);
int can_get(unsigned int arg);

/* What pipes and maps an end has. */
struct channel {
	int in, out; /* a pipe; 0: none */
	int file;
	char *low; /* memory that 32-bit calls can reach */
	char *map; /* of the socket */
	size_t mapped;
	timer_t timer;
	bool timed, zerocopy;
	uint64_t at; /* in the file: what is behind it was sent */
};
struct channel *channel_of(struct end *e);
#endif
