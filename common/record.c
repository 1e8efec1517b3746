// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "record.h"
#include "log.h"
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char magic[8] = "reqtrec\n";

struct header {
	char magic[8];
	char tool[16];
	uint32_t format, zero;
	int64_t wall_offset_ns;
};

struct record_writer {
	FILE *f;
	char *path;
	int err;
};

struct record_reader {
	FILE *f;
	char *path;
	uint64_t pos;
	uint64_t *buf;
	size_t cap;
	char chunk[64 << 10]; /* stdio's */
};

int record_create(struct record_writer **out, const char *path, const char *tool, uint32_t format,
		  int64_t wall_offset_ns)
{
	struct header h = {.format = format, .wall_offset_ns = wall_offset_ns};
	struct record_writer *w = calloc(1, sizeof(*w));
	int fd;

	if (!w)
		return -ENOMEM;
	memcpy(h.magic, magic, sizeof(magic));
	snprintf(h.tool, sizeof(h.tool), "%s", tool);
	w->path = strdup(path);
	/* For its owner alone: what was on the wire is in it, unmasked. */
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	w->f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!w->path || !w->f) {
		int err = errno;

		if (fd >= 0)
			close(fd);
		free(w->path);
		free(w);
		return fail(-err, "cannot write the recording %s: %s", path, strerror(err));
	}
	if (fwrite(&h, sizeof(h), 1, w->f) != 1)
		w->err = -errno;
	*out = w;
	return 0;
}

int record_write(struct record_writer *w, uint32_t type, const void *data, size_t len)
{
	static const char zeroes[8];
	uint32_t head[2] = {type, len};
	size_t pad = -len & 7;

	if (len > RECORD_MAX_LEN)
		return -E2BIG;
	if (!w->err &&
	    (fwrite(head, sizeof(head), 1, w->f) != 1 || (len && fwrite(data, len, 1, w->f) != 1) ||
	     (pad && fwrite(zeroes, pad, 1, w->f) != 1)))
		w->err =
			fail(-errno, "cannot write the recording %s: %s", w->path, strerror(errno));
	return w->err;
}

int record_close_writer(struct record_writer *w)
{
	int err;

	if (!w)
		return 0;
	err = w->err;
	if (fclose(w->f) && !err)
		err = fail(-errno, "cannot write the recording %s: %s", w->path, strerror(errno));
	free(w->path);
	free(w);
	return err;
}

int record_open(struct record_reader **out, const char *path, const char *tool, uint32_t format,
		int64_t *wall_offset_ns)
{
	struct record_reader *r = calloc(1, sizeof(*r));
	struct header h;
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->path = strdup(path);
	r->f = fopen(path, "re");
	if (r->f)
		setvbuf(r->f, r->chunk, _IOFBF, sizeof(r->chunk));
	if (!r->path || !r->f)
		err = fail(-errno, "cannot read the recording %s: %s", path, strerror(errno));
	else if (fread(&h, sizeof(h), 1, r->f) != 1 || memcmp(h.magic, magic, sizeof(magic)))
		err = fail(-EBADMSG, "%s is not a recording: make one with --record FILE", path);
	else if (strncmp(h.tool, tool, sizeof(h.tool)))
		err = fail(-EBADMSG, "%s is a recording of %.16s, not of %s", path, h.tool, tool);
	else if (h.format != format)
		err = fail(-EBADMSG, "%s has record format %u, this %s reads format %u", path,
			   h.format, log_name, format);
	if (err) {
		record_close_reader(r);
		return err;
	}
	r->pos = sizeof(h);
	*wall_offset_ns = h.wall_offset_ns;
	*out = r;
	return 0;
}

bool record_is_file(const struct record_reader *r)
{
	struct stat st;

	return !fstat(fileno(r->f), &st) && S_ISREG(st.st_mode);
}

int record_read(struct record_reader *r, uint32_t *type, const void **data, size_t *len)
{
	uint32_t head[2];
	size_t n, padded;

	n = fread(head, 1, sizeof(head), r->f);
	if (!n && feof(r->f))
		return 0;
	if (n != sizeof(head))
		return fail(-EBADMSG, "%s is cut short at byte %llu", r->path,
			    (unsigned long long)r->pos);
	if (head[1] > RECORD_MAX_LEN)
		return fail(-EBADMSG, "%s is damaged at byte %llu: a record of %u bytes", r->path,
			    (unsigned long long)r->pos, head[1]);
	padded = (head[1] + 7) & ~7u;
	if (padded > r->cap) {
		uint64_t *buf = realloc(r->buf, padded);

		if (!buf)
			return -ENOMEM;
		r->buf = buf;
		r->cap = padded;
	}
	if (padded && fread(r->buf, padded, 1, r->f) != 1)
		return fail(-EBADMSG, "%s is cut short in the record at byte %llu", r->path,
			    (unsigned long long)r->pos);
	r->pos += sizeof(head) + padded;
	*type = head[0];
	*len = head[1];
	*data = r->buf;
	return 1;
}

void record_close_reader(struct record_reader *r)
{
	if (!r)
		return;
	if (r->f)
		fclose(r->f);
	free(r->buf);
	free(r->path);
	free(r);
}
