// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracepoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The histogram's keys are thread ids of the first pid namespace, whose inode never changes. */
#define INIT_PID_NS	"pid:[4026531836]"

static const char *const mounts[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
static char instance[128];
static char trigger[256];

#define TRIGGER	"hist:keys=common_pid,exit_reason:size=4096"

static int write_trigger(const char *text)
{
	int fd = open(trigger, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

const char *tracepoint_start(void)
{
	static char why[256];
	char ns[64] = "";
	size_t i;

	if (readlink("/proc/self/ns/pid", ns, sizeof(ns) - 1) > 0 && strcmp(ns, INIT_PID_NS))
		return "in a pid namespace the tracepoint's thread ids are not ours";
	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		snprintf(instance, sizeof(instance), "%s/instances", mounts[i]);
		if (!access(instance, F_OK))
			break;
	}
	if (i == sizeof(mounts) / sizeof(mounts[0])) {
		*instance = 0;
		return "no tracefs: mount it on /sys/kernel/tracing";
	}
	snprintf(instance, sizeof(instance), "%s/instances/exitstat-check-%d", mounts[i], (int)getpid());
	if (mkdir(instance, 0700)) {
		snprintf(why, sizeof(why), "cannot make a tracefs instance: %s", strerror(errno));
		*instance = 0;
		return why;
	}
	snprintf(trigger, sizeof(trigger), "%s/events/kvm/kvm_exit/trigger", instance);
	if (write_trigger(TRIGGER)) {
		snprintf(why, sizeof(why), "cannot put a histogram on kvm_exit: %s", strerror(errno));
		tracepoint_stop();
		return why;
	}
	return NULL;
}

void tracepoint_stop(void)
{
	if (!*instance)
		return;
	/* The instance is busy while it has a trigger. */
	write_trigger("!" TRIGGER);
	rmdir(instance);
	*instance = 0;
}

static int number_after(const char *line, const char *key, int base, uint64_t *value)
{
	const char *at = strstr(line, key);
	char *end;

	if (!at)
		return -1;
	at += strlen(key);
	at += strspn(at, " ");
	/* strtoull takes signs, which would be no row of ours. */
	if (*at < '0' || *at > '9')
		return -1;
	errno = 0;
	*value = strtoull(at, &end, base);
	return errno || end == at || (*end && !strchr(" ,}\n", *end)) ? -1 : 0;
}

/* { common_pid:       1234, exit_reason:        114 } hitcount:       2009 */
int hist_parse_line(const char *line, struct hist *hist)
{
	uint64_t pid, reason, count;
	struct hist_row *rows;

	line += strspn(line, " \t");
	if (!strncmp(line, "Dropped:", 8))
		return number_after(line, "Dropped:", 10, &hist->dropped) ? -1 : 2;
	if (*line != '{')
		return 0;
	/* Base 0: decimal, or hexadecimal should somebody's kernel print the reason so. */
	if (number_after(line, "common_pid:", 10, &pid) || number_after(line, "exit_reason:", 0, &reason) ||
	    number_after(line, "} hitcount:", 10, &count))
		return -1;
	/* A power of two at a time. */
	if (!(hist->nr & (hist->nr - 1))) {
		rows = realloc(hist->rows, (hist->nr ? 2 * hist->nr : 1) * sizeof(*rows));
		if (!rows)
			return -1;
		hist->rows = rows;
	}
	hist->rows[hist->nr++] = (struct hist_row){ (int)pid, (uint32_t)reason, count };
	return 1;
}

int tracepoint_read(struct hist *hist)
{
	char path[256], *line = NULL;
	size_t size = 0;
	int ret = 0;
	FILE *f;

	*hist = (struct hist){ 0 };
	snprintf(path, sizeof(path), "%s/events/kvm/kvm_exit/hist", instance);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (ret >= 0 && getline(&line, &size, f) > 0)
		ret = hist_parse_line(line, hist);
	free(line);
	if (ferror(f))
		ret = -1;
	fclose(f);
	if (ret < 0)
		hist_free(hist);
	return ret < 0 ? -1 : 0;
}

void hist_free(struct hist *hist)
{
	free(hist->rows);
	*hist = (struct hist){ 0 };
}

static bool is_one_of(int pid, const int *pids, int nr_pids)
{
	while (nr_pids--)
		if (pids[nr_pids] == pid)
			return true;
	return false;
}

uint64_t hist_count(const struct hist *hist, const int *pids, int nr_pids, uint32_t reason, uint32_t mask)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < hist->nr; i++)
		if ((hist->rows[i].reason & mask) == reason && is_one_of(hist->rows[i].pid, pids, nr_pids))
			sum += hist->rows[i].count;
	return sum;
}

uint64_t hist_total(const struct hist *hist, const int *pids, int nr_pids)
{
	return hist_count(hist, pids, nr_pids, 0, 0);
}
