// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "log.h"
#include "publish.h"
#include "publish_int.h"

/* EPIPE would be taken for the end of stdout's reader, which ends a tool without a word. */
static int not_pipe(int err)
{
	return err == -EPIPE ? -EIO : err;
}

/* What the keeper answered. */
static int explain(const struct publish *p, struct keeper_answer a)
{
	const char *why = strerror(-a.err);
	int err = not_pipe(a.err);

	if (a.step == KEEPER_START)
		return fail(err, "cannot start the process that writes %s: %s", p->path, why);
	if (a.step == KEEPER_CREATE)
		return fail(err, "cannot write to %s: no file can be made in its directory: %s",
			    p->path, why);
	if (a.step == KEEPER_RENAME)
		return fail(err, "cannot replace %s: %s", p->path, why);
	return fail(err, "cannot write to %s: %s", p->path, why);
}

/* Half a message may be on its way: there is no going on. */
static int keeper_gone(struct publish *p)
{
	shutdown(p->fd, SHUT_RDWR);
	return fail(-EIO,
		    "cannot write to %s: the process that does it (%d) is gone; was it killed?",
		    p->path, (int)p->keeper);
}

/* False when the keeper is gone. */
static bool send_all(struct publish *p, const void *data, size_t len)
{
	const char *next = data;

	while (len) {
		ssize_t n = send(p->fd, next, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			next += n;
			len -= n;
		}
	}
	return true;
}

static bool receive_answer(struct publish *p, struct keeper_answer *a)
{
	ssize_t n;

	do {
		n = recv(p->fd, a, sizeof(*a), MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(*a);
}

static int reap(struct publish *p)
{
	struct keeper k = {.pid = p->keeper, .fd = p->fd};

	p->keeper = 0;
	p->fd = -1;
	return keeper_end(&k);
}

/* Takes its first answer. */
static int await_keeper(struct publish *p)
{
	struct keeper_answer a;
	int status;

	if (receive_answer(p, &a))
		return a.err ? explain(p, a) : 0;
	status = reap(p);
	if (!WIFEXITED(status) || !WEXITSTATUS(status))
		return fail(-EIO, "cannot write to %s: the process that does it was killed",
			    p->path);
	a = (struct keeper_answer){.step = KEEPER_START, .err = -WEXITSTATUS(status)};
	return explain(p, a);
}

static int start_keeper(struct publish *p, const struct place *pl)
{
	struct keeper k;
	int err = keeper_start(&k, pl->dir, "publish", publish_keep, pl);

	p->keeper = k.pid;
	p->fd = k.fd;
	if (err)
		return fail(err, "cannot start the process that writes %s: %s", p->path,
			    strerror(-err));
	return await_keeper(p);
}

int publish_open(struct publish **out, const char *path)
{
	struct publish *p = calloc(1, sizeof(*p));
	struct place pl;
	int err;

	if (!p)
		return fail(-ENOMEM, "no memory for the output");
	p->fd = -1;
	p->path = strdup(path);
	err = p->path ? place_find(&pl, path) : fail(-ENOMEM, "no memory for the output");
	if (!err && pl.file >= 0) {
		p->fd = pl.file;
	} else if (!err) {
		err = start_keeper(p, &pl);
		close(pl.dir);
	}
	if (err)
		publish_close(p);
	else
		*out = p;
	return err;
}

static int write_in_place(struct publish *p, const char *text, size_t len)
{
	struct pollfd writable = {.fd = p->fd, .events = POLLOUT};

	while (len) {
		ssize_t n = write(p->fd, text, len);

		/* Whoever shares stdout may have made it non-blocking. */
		if (n < 0 && errno == EAGAIN)
			poll(&writable, 1, -1);
		else if (n < 0 && errno != EINTR)
			return fail(not_pipe(-errno), "cannot write to %s: %m", p->path);
		if (n > 0) {
			text += n;
			len -= n;
		}
	}
	return 0;
}

int publish_text(struct publish *p, const char *text, size_t len)
{
	struct keeper_answer a;
	uint64_t head = len;

	if (!p->keeper)
		return write_in_place(p, text, len);
	if (!send_all(p, &head, sizeof(head)) || !send_all(p, text, len) || !receive_answer(p, &a))
		return keeper_gone(p);
	return a.err ? explain(p, a) : 0;
}

void publish_close(struct publish *p)
{
	if (!p)
		return;
	reap(p);
	free(p->path);
	free(p);
}
