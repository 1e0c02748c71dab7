// SPDX-License-Identifier: GPL-2.0-or-later
#include "stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any kernel has: what a file claims is not believed beyond them. */
#define MAX_NAME	1024
#define MAX_DESCS	65536

struct stats {
	int fd;
	struct kvm_stats_header header;
	char *descs;
	size_t stride;
};

static int read_at(int fd, void *to, size_t size, off_t at)
{
	char *p = to;

	while (size) {
		ssize_t n = pread(fd, p, size, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (!n)
				errno = EINVAL;
			return -1;
		}
		p += n;
		at += n;
		size -= n;
	}
	return 0;
}

struct stats *stats_open(int fd)
{
	struct stats *s = calloc(1, sizeof(*s));

	if (!s)
		goto fail;
	s->fd = fd;
	if (read_at(fd, &s->header, sizeof(s->header), 0))
		goto fail;
	if (!s->header.name_size || s->header.name_size > MAX_NAME || s->header.num_desc > MAX_DESCS) {
		errno = EINVAL;
		goto fail;
	}
	s->stride = sizeof(struct kvm_stats_desc) + s->header.name_size;
	s->descs = calloc(s->header.num_desc + 1, s->stride);
	if (!s->descs || read_at(fd, s->descs, s->header.num_desc * s->stride, s->header.desc_offset))
		goto fail;
	return s;
fail:
	stats_close(s);
	if (!s)
		close(fd);
	return NULL;
}

void stats_close(struct stats *s)
{
	int saved = errno;

	if (!s)
		return;
	close(s->fd);
	free(s->descs);
	free(s);
	errno = saved;
}

int stats_find(struct stats *s, const char *name, struct stat_desc *desc)
{
	struct kvm_stats_desc d;
	uint32_t i;

	for (i = 0; i < s->header.num_desc; i++) {
		const char *at = s->descs + i * s->stride;

		if (strncmp(at + sizeof(d), name, s->header.name_size))
			continue;
		/* The name's size may leave what follows unaligned. */
		memcpy(&d, at, sizeof(d));
		*desc = (struct stat_desc){ d.flags, d.exponent, d.size, d.offset, d.bucket_size };
		return 0;
	}
	return -1;
}

int stats_read(struct stats *s, const struct stat_desc *desc, uint64_t *values, int max)
{
	int n = desc->size < max ? desc->size : max;

	if (read_at(s->fd, values, n * sizeof(*values), (off_t)s->header.data_offset + desc->offset))
		return -1;
	return n;
}
