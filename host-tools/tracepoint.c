// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracepoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"

/* The histogram's keys are thread ids of the first pid namespace, whose inode never changes. */
#define INIT_PID_NS	"pid:[4026531836]"

static const char *const mounts[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
static char root[64];
static char instance[128];
/* What stands in the instance's way of being removed, and must be undone first. */
static char event[128];		/* with a histogram */
static bool has_probe;

/* In place of the exit reason, a histogram of CPUIDs has the leaf. */
static const char *key = "exit_reason";
#define KVM_EXIT	"events/kvm/kvm_exit"
#define KVM_ENTRY	"events/kvm/kvm_entry"
#define PROBE		"exitstat_check/function"
/* For all of a test: some thousand exits and entries. */
#define TRACE_PAGE_KB	"512"

/* Text to a file of the instance, or of tracefs itself; nothing but what a signal handler may call. */
static int write_to(const char *dir, const char *a, const char *b, const char *text)
{
	char path[400] = "";

	strcat(strcat(strcat(strcat(path, dir), "/"), a), b);
	return write_file(path, text);
}

static char why[256];

static const char *stop_because(const char *what)
{
	snprintf(why, sizeof(why), "%s: %s", what, strerror(errno));
	tracepoint_stop();
	return why;
}

static const char *make_instance(void)
{
	char ns[64] = "";
	size_t i;

	if (readlink("/proc/self/ns/pid", ns, sizeof(ns) - 1) > 0 && strcmp(ns, INIT_PID_NS))
		return "in a pid namespace the tracepoint's thread ids are not ours";
	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		snprintf(root, sizeof(root), "%s", mounts[i]);
		snprintf(instance, sizeof(instance), "%s/instances", root);
		if (!access(instance, F_OK))
			break;
	}
	if (i == sizeof(mounts) / sizeof(mounts[0])) {
		*instance = 0;
		return "no tracefs: mount it on /sys/kernel/tracing";
	}
	snprintf(instance, sizeof(instance), "%s/instances/exitstat-check-%d", root, (int)getpid());
	if (mkdir(instance, 0700)) {
		snprintf(why, sizeof(why), "cannot make a tracefs instance: %s", strerror(errno));
		*instance = 0;
		return why;
	}
	return NULL;
}

/* Nothing but what a signal handler may call. */
static int write_trigger(const char *sign)
{
	char text[100] = "";

	strcat(strcat(strcat(strcat(text, sign), "hist:keys=common_pid,"), key), ":size=4096");
	return write_to(instance, event, "/trigger", text);
}

static const char *put_histogram(const char *on, const char *by)
{
	strcpy(event, on);
	key = by;
	if (write_trigger(""))
		return stop_because("cannot put a histogram on the event");
	return NULL;
}

const char *tracepoint_start(void)
{
	const char *error = make_instance();

	return error ? error : put_histogram(KVM_EXIT, "exit_reason");
}

const char *cpuid_trace_start(void)
{
	const char *error = make_instance();

	return error ? error : put_histogram("events/kvm/kvm_cpuid", "function");
}

const char *probe_start(const char *function)
{
	const char *error = make_instance();
	char probe[128];

	if (error)
		return error;
	snprintf(probe, sizeof(probe), "p:" PROBE " %s exit_reason=%%si:u32", function);
	has_probe = !write_to(root, "kprobe_events", "", probe);
	if (!has_probe)
		return stop_because("cannot put a probe on KVM");
	return put_histogram("events/" PROBE, "exit_reason");
}

const char *trace_pairs_start(uint32_t reason)
{
	const char *error = make_instance();
	char text[64];

	if (error)
		return error;
	snprintf(text, sizeof(text), "%d", (int)syscall(SYS_gettid));
	if (write_to(instance, "set_event_pid", "", text))
		return stop_because("cannot trace this thread alone");
	if (write_to(instance, "trace_clock", "", "x86-tsc"))
		return stop_because("cannot trace with the TSC as the clock");
	/* An exit in which the buffer turns a page takes longer.  Kernels that cannot have larger pages turn more. */
	write_to(instance, "buffer_subbuf_size_kb", "", TRACE_PAGE_KB);
	snprintf(text, sizeof(text), "exit_reason == %u", reason);
	if (write_to(instance, KVM_EXIT, "/filter", text) || write_to(instance, KVM_ENTRY, "/enable", "1") ||
	    write_to(instance, KVM_EXIT, "/enable", "1"))
		return stop_because("cannot trace kvm_exit and kvm_entry");
	return NULL;
}

void tracepoint_stop(void)
{
	if (!*instance)
		return;
	/* The instance is busy while it has a trigger, the probe while the instance uses it. */
	if (*event)
		write_trigger("!");
	*event = 0;
	rmdir(instance);
	*instance = 0;
	if (has_probe)
		write_to(root, "kprobe_events", "", "-:" PROBE);
	has_probe = false;
}

int trace_parse_line(const char *line, uint64_t *tsc)
{
	const char *exit = strstr(line, ": kvm_exit: "), *entry = strstr(line, ": kvm_entry: ");
	const char *at = exit ? exit : entry;

	if (*line == '#' || !at)
		return 0;
	/* The clock's value is before the event's name. */
	while (at > line && at[-1] >= '0' && at[-1] <= '9')
		at--;
	errno = 0;
	*tsc = strtoull(at, NULL, 10);
	if (errno || *at < '0' || *at > '9' || (at > line && at[-1] != ' '))
		return -1;
	return exit ? 1 : 2;
}

struct trace_pair *trace_pairs_read(size_t *nr)
{
	struct trace_pair *pairs = NULL, *more;
	char path[400], *line = NULL;
	bool left = false, bad = false;
	uint64_t tsc, exit = 0;
	size_t size = 0, room = 0;
	FILE *f;

	*nr = 0;
	write_to(instance, "tracing_on", "", "0");
	snprintf(path, sizeof(path), "%s/trace", instance);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	while (!bad && getline(&line, &size, f) > 0) {
		/* Of what the buffer could not hold there is a line that says so. */
		bad = strstr(line, "LOST") != NULL;
		switch (trace_parse_line(line, &tsc)) {
		case 1:
			exit = tsc;
			left = true;
			break;
		case 2:
			if (!left)
				break;
			left = false;
			if (*nr == room) {
				room = room ? 2 * room : 1024;
				more = realloc(pairs, room * sizeof(*pairs));
				if (!more) {
					bad = true;
					break;
				}
				pairs = more;
			}
			pairs[(*nr)++] = (struct trace_pair){ exit, tsc };
			break;
		case -1:
			bad = true;
			break;
		}
	}
	bad |= ferror(f) != 0;
	fclose(f);
	free(line);
	if (!bad)
		return pairs;
	free(pairs);
	return NULL;
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
	char second[32];

	line += strspn(line, " \t");
	if (!strncmp(line, "Dropped:", 8))
		return number_after(line, "Dropped:", 10, &hist->dropped) ? -1 : 2;
	if (*line != '{')
		return 0;
	/* Base 0: decimal, or hexadecimal should somebody's kernel print the reason so. */
	snprintf(second, sizeof(second), "%s:", key);
	if (number_after(line, "common_pid:", 10, &pid) || number_after(line, second, 0, &reason) ||
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
	char path[400], *line = NULL;
	size_t size = 0;
	int ret = 0;
	FILE *f;

	*hist = (struct hist){ 0 };
	snprintf(path, sizeof(path), "%s/%s/hist", instance, event);
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
