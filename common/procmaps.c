// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* proc_maps() of proc.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "log.h"
#include "proc.h"

/* The kernel writes a newline in a name as \012 and escapes nothing else, a backslash neither. */
static void copy_name(char *dst, const char *src)
{
	while (*src) {
		if (!strncmp(src, "\\012", 4)) {
			*dst++ = '\n';
			src += 4;
		} else {
			*dst++ = *src++;
		}
	}
	*dst = 0;
}

/* One line without its newline. The name is left empty when it does not fit. */
int proc_parse_map(const char *line, struct proc_map *m)
{
	unsigned major, minor;
	int name = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 "%n", &m->start,
		   &m->end, m->perm, &m->off, &major, &minor, &m->ino, &name) != 7)
		return -EBADMSG;
	m->dev = makedev(major, minor);
	line += name + strspn(line + name, " ");
	if (strlen(line) < sizeof(m->path))
		copy_name(m->path, line);
	else
		m->path[0] = 0;
	return 0;
}

int proc_maps(pid_t pid, int (*fn)(const struct proc_map *m, void *ctx), void *ctx)
{
	struct proc_map *m = malloc(sizeof(*m));
	char name[64], *line = NULL;
	size_t room = 0;
	int err = -ENOMEM;
	FILE *f = NULL;
	ssize_t n;

	if (!m)
		goto out;
	snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	f = fopen(name, "re");
	err = f ? 0 : -errno;
	while (!err) {
		errno = 0;
		n = getline(&line, &room, f);
		if (n < 0) {
			err = ferror(f) ? -(errno ?: EIO) : 0;
			break;
		}
		if (n && line[n - 1] == '\n')
			line[n - 1] = 0;
		err = proc_parse_map(line, m) ?: fn(m, ctx);
	}
out:
	/* Only what /proc answered is explained: fn's result is its own. */
	if (err == -ENOENT && !f)
		err = -ESRCH;
	if (!f)
		fail(err, "process %d: cannot read its mappings: %s", (int)pid, strerror(-err));
	else
		fclose(f);
	free(line);
	free(m);
	return err;
}
