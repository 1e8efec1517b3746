// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "dest.h"
#include "log.h"

#define SYSLOG_DEFAULT "/dev/log"

/* Splits "HOST:PORT" or "[HOST]:PORT". */
static int split(const char *text, const char *s, char host[256], char port[6])
{
	bool bracket = *s == '[';
	const char *colon = bracket ? strstr(s, "]:") : strrchr(s, ':');
	size_t n;

	if (!colon)
		return fail(-EINVAL, "output '%s': the port is missing (tcp://HOST:PORT)", text);
	n = colon - s - bracket;
	if (!n || n > 255)
		return fail(-EINVAL, "output '%s': %s", text,
			    n ? "the host name is too long" : "the host is missing");
	memcpy(host, s + bracket, n);
	host[n] = '\0';
	if (!bracket && strchr(host, ':'))
		return fail(-EINVAL, "output '%s': an IPv6 address goes in brackets ([::1]:PORT)",
			    text);
	s = colon + 1 + bracket;
	n = strspn(s, "0123456789");
	if (!n || n > 5 || s[n] || atoi(s) < 1 || atoi(s) > 65535)
		return fail(-EINVAL, "output '%s': bad port '%s' (1 to 65535)", text, s);
	memcpy(port, s, n + 1);
	return 0;
}

static int resolve(struct dest *d, const char *host_port)
{
	struct addrinfo hints = {.ai_socktype = d->type, .ai_flags = AI_NUMERICSERV}, *list, *a;
	char host[256], port[6];
	int err = split(d->text, host_port, host, port);

	if (err)
		return err;
	err = getaddrinfo(host, port, &hints, &list);
	if (err)
		return fail(-EHOSTUNREACH, "output '%s': cannot resolve '%s': %s", d->text, host,
			    err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
	for (a = list; a && d->naddrs < DEST_ADDRS; a = a->ai_next) {
		memcpy(&d->addrs[d->naddrs].sa, a->ai_addr, a->ai_addrlen);
		d->addrs[d->naddrs++].len = a->ai_addrlen;
	}
	freeaddrinfo(list);
	return 0;
}

static int unix_path(struct dest *d, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&d->addrs[0].sa;
	struct stat st;

	if (!*path)
		return fail(-EINVAL, "output '%s': the path is missing (unix:PATH)", d->text);
	if (strlen(path) >= sizeof(un->sun_path))
		return fail(-ENAMETOOLONG, "output '%s': a socket's path may have %zu bytes",
			    d->text, sizeof(un->sun_path) - 1);
	if (!stat(path, &st) && !S_ISSOCK(st.st_mode))
		return fail(-ENOTSOCK, "output '%s': not a socket; for a file give its name alone",
			    d->text);
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	d->addrs[0].len = sizeof(*un);
	d->naddrs = 1;
	return 0;
}

int dest_parse(struct dest *d, const char *text)
{
	memset(d, 0, sizeof(*d));
	d->text = strdup(text);
	if (!d->text)
		return fail(-ENOMEM, "no memory for the output");
	if (!strncmp(text, "tcp://", 6) || !strncmp(text, "udp://", 6)) {
		d->kind = *text == 't' ? DEST_TCP : DEST_UDP;
		d->type = d->kind == DEST_TCP ? SOCK_STREAM : SOCK_DGRAM;
		return resolve(d, text + 6);
	}
	if (!strncmp(text, "unix:", 5)) {
		d->kind = DEST_UNIX;
		d->type = SOCK_STREAM;
		return unix_path(d, text + 5);
	}
	if (!strncmp(text, "syslog:", 7)) {
		d->kind = DEST_SYSLOG;
		d->type = SOCK_DGRAM;
		return unix_path(d, text[7] ? text + 7 : SYSLOG_DEFAULT);
	}
	return fail(-EINVAL,
		    "output '%s': unknown scheme (FILE, tcp://HOST:PORT, udp://HOST:PORT, "
		    "unix:PATH, syslog:)",
		    text);
}

bool dest_is_peer(const char *text)
{
	return strstr(text, "://") || !strncmp(text, "tcp:", 4) || !strncmp(text, "udp:", 4) ||
	       !strncmp(text, "unix:", 5) || !strncmp(text, "syslog:", 7);
}

void dest_free(struct dest *d)
{
	free(d->text);
	d->text = NULL;
}
