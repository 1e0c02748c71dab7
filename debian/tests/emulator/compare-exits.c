// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * compare-exits: compares KVM's VM-exit statistics with the kvm_exit tracepoint.
 *
 * Runs in the emulated host beside the QEMU of a nested guest. It shows the guest's
 * console, lets the guest reboot once (not with -R), which must go on counting as the same
 * machine, and, once the guest has powered off and its vCPUs have stopped, compares the
 * histogram that the tracepoint kept of the vCPU threads with the statistics that KVM
 * gives for the vCPUs (QEMU's query-stats): vCPU by vCPU and reason by reason, without
 * tolerance. What the guest's cpuid-probe read must lie, reason by reason too, between the
 * tracepoint's counts before and after it. A kernel without those statistics is said to be
 * one ("skipped:"), and only the guest's numbers are compared.
 *
 * With -j and -p, the statistics and the thread ids, in the order of the statistics, come
 * from files and the command line, with -b and -r the histogram before the guest read, and
 * what it read: this is how the tests feed it.
 *
 * Exit status: 0 all is equal, 1 something differs or went wrong, 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <asm/kvm_exit_stats.h>

/* A bucket for each bit of the bitmap leaf, and the last for reasons not in the table. */
#define UNLISTED	KVM_EXIT_STATS_NR_BITS
#define NR_BUCKETS	(UNLISTED + 1)
#define SVM_NPF		0x400
#define SVM_INVALID	UINT32_MAX

#define MAX_VCPUS	64
/* With what the guest's init begins, at each boot. */
#define BOOTED		"EXITSTAT-L2: booted: "

struct counts {
	uint64_t bucket[NR_BUCKETS];
	uint64_t total;
};

/* What KVM says of a vCPU. It counts more as its own "exits" than the tracepoint sees. */
struct statistics {
	struct counts counts;
	uint64_t exits;
	bool host_view;
};

/* What cpuid-probe printed in the guest: its table's total, and the rows of --raw. */
struct guest {
	struct counts counts;
	uint64_t exits;
	bool in_rows, complete;
};

struct reason {
	uint32_t first, last;
	const char *name;
};

#define KVM_EXIT_REASON(first, last, name) { first, last, name },
static const struct reason vmx_reasons[] = {
#include <asm/kvm_exit_reasons_vmx.h>
};

#define KVM_EXIT_REASON(first, last, name) { first, last, name },
static const struct reason svm_reasons[] = {
#include <asm/kvm_exit_reasons_svm.h>
};

static bool svm;
static time_t deadline;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("compare-exits: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static const struct reason *find_reason(uint32_t code)
{
	const struct reason *r = svm ? svm_reasons : vmx_reasons;
	size_t n = svm ? sizeof(svm_reasons) / sizeof(*r) : sizeof(vmx_reasons) / sizeof(*r);

	for (; n; n--, r++)
		if (code >= r->first && code <= r->last)
			return r;
	return NULL;
}

static unsigned int reason_to_bucket(uint32_t code)
{
	if (!find_reason(code))
		return UNLISTED;
	if (code == SVM_INVALID)
		return KVM_EXIT_STATS_BIT_INVALID;
	return code < SVM_NPF ? code : code - SVM_NPF + KVM_EXIT_STATS_BIT_NPF;
}

static uint32_t bucket_to_reason(unsigned int bucket)
{
	if (bucket == KVM_EXIT_STATS_BIT_INVALID)
		return SVM_INVALID;
	return bucket < KVM_EXIT_STATS_BIT_NPF ? bucket : bucket - KVM_EXIT_STATS_BIT_NPF + SVM_NPF;
}

static const char *bucket_name(unsigned int bucket)
{
	static char text[64];
	uint32_t code = bucket_to_reason(bucket);
	const struct reason *r = find_reason(code);

	if (bucket == UNLISTED || !r)
		return "not in the table";
	if (r->first == r->last)
		snprintf(text, sizeof(text), "%s (%#x)", r->name, code);
	else
		snprintf(text, sizeof(text), "%s%u (%#x)", r->name, code - r->first, code);
	return text;
}

/* The whole of a file, which may be one of those in tracefs that say no size. */
static char *read_file(const char *path)
{
	size_t size = 0, room = 1 << 16;
	char *text = malloc(room);
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	for (;;) {
		if (!text)
			die("out of memory");
		n = read(fd, text + size, room - size - 1);
		if (n < 0)
			die("%s: %s", path, strerror(errno));
		if (n == 0)
			break;
		size += n;
		if (room - size < 2)
			text = realloc(text, room *= 2);
	}
	close(fd);
	text[size] = 0;
	return text;
}

/* The tracepoint's counts of each of these threads. The VMX reason carries flags above bit 15. */
static void read_histogram(struct counts *counts, const char *path, const int *tids, int nr_tids)
{
	char *text = read_file(path), *save = NULL, *line;
	bool totals = false;

	memset(counts, 0, nr_tids * sizeof(*counts));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t reason, hits, dropped;
		int tid, i;

		if (sscanf(line, " Dropped: %" SCNu64, &dropped) == 1) {
			totals = true;
			if (dropped)
				die("%s: %" PRIu64 " exits were dropped: it needs a larger size",
				    path, dropped);
		}
		if (sscanf(line, "{ common_pid: %d, exit_reason: %" SCNu64 " } hitcount: %" SCNu64,
			   &tid, &reason, &hits) != 3) {
			if (line[0] == '{')
				die("%s: cannot read the line: %s", path, line);
			continue;
		}
		for (i = 0; i < nr_tids; i++) {
			if (tids[i] != tid)
				continue;
			counts[i].bucket[reason_to_bucket(svm ? reason : reason & 0xffff)] += hits;
			counts[i].total += hits;
		}
	}
	if (!totals)
		die("%s: it has no line with what was dropped", path);
	free(text);
}

static struct counts sum_up(const struct counts *counts, int nr)
{
	struct counts sum = { 0 };
	unsigned int bucket;

	for (; nr; nr--, counts++) {
		for (bucket = 0; bucket < NR_BUCKETS; bucket++)
			sum.bucket[bucket] += counts->bucket[bucket];
		sum.total += counts->total;
	}
	return sum;
}

static struct json_object *member(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value))
		die("QEMU's answer has no \"%s\": %s", key, json_object_to_json_string(object));
	return value;
}

/* The value of a statistic in one vCPU's list, or NULL. */
static struct json_object *statistic(struct json_object *vcpu, const char *name)
{
	struct json_object *stats = member(vcpu, "stats");
	size_t i;

	for (i = 0; i < json_object_array_length(stats); i++) {
		struct json_object *stat = json_object_array_get_idx(stats, i);

		if (!strcmp(json_object_get_string(member(stat, "name")), name))
			return member(stat, "value");
	}
	return NULL;
}

static uint64_t bucket_value(struct json_object *histogram, size_t bucket, bool reversed)
{
	size_t i = reversed ? NR_BUCKETS - 1 - bucket : bucket;

	return json_object_get_uint64(json_object_array_get_idx(histogram, i));
}

/*
 * QEMU (seen in 7.2) lists the buckets of a histogram last to first. Tell by which
 * order puts fewer exits under numbers that stand for no reason, as one may mend it.
 */
static bool is_reversed(struct json_object *histogram)
{
	uint64_t astray[2] = { 0, 0 };
	size_t bucket;
	int reversed;

	for (reversed = 0; reversed < 2; reversed++)
		for (bucket = 0; bucket < NR_BUCKETS; bucket++)
			if (bucket == UNLISTED || !find_reason(bucket_to_reason(bucket)))
				astray[reversed] += bucket_value(histogram, bucket, reversed);
	return astray[1] < astray[0];
}

/*
 * Reads what query-stats returned for the vCPUs. The per-reason cycles must add up to
 * the total of each vCPU, and what the vCPU was away for cannot be less.
 */
static void read_statistics(struct statistics *kvm, struct json_object *vcpus, int nr_vcpus)
{
	size_t bucket;
	int i;

	if ((int)json_object_array_length(vcpus) != nr_vcpus)
		die("statistics of %zu vCPUs instead of %d", json_object_array_length(vcpus), nr_vcpus);
	memset(kvm, 0, nr_vcpus * sizeof(*kvm));
	for (i = 0; i < nr_vcpus; i++) {
		struct json_object *vcpu = json_object_array_get_idx(vcpus, i);
		struct json_object *count = statistic(vcpu, "exit_reason_count");
		struct json_object *cycles = statistic(vcpu, "exit_reason_cycles");
		struct json_object *total = statistic(vcpu, "exit_cycles");
		struct json_object *away = statistic(vcpu, "exit_away_cycles");
		struct json_object *exits = statistic(vcpu, "exits");
		uint64_t sum = 0;
		bool reversed;

		if (!exits)
			die("vCPU %d has no statistic \"exits\"", i);
		kvm[i].exits = json_object_get_uint64(exits);
		kvm[i].host_view = count || cycles || total || away;
		if (kvm[i].host_view != kvm[0].host_view ||
		    (kvm[i].host_view && (!count || !cycles || !total || !away)))
			die("vCPU %d has some of the statistics of VM exits, but not all", i);
		if (!kvm[i].host_view)
			continue;
		if (json_object_array_length(count) != NR_BUCKETS ||
		    json_object_array_length(cycles) != NR_BUCKETS)
			die("a histogram has %zu buckets instead of %d",
			    json_object_array_length(count), NR_BUCKETS);
		reversed = is_reversed(count);
		for (bucket = 0; bucket < NR_BUCKETS; bucket++) {
			uint64_t n = bucket_value(count, bucket, reversed);
			uint64_t c = bucket_value(cycles, bucket, reversed);

			if (c && !n)
				die("vCPU %d: %s has cycles without an exit", i, bucket_name(bucket));
			kvm[i].counts.bucket[bucket] = n;
			kvm[i].counts.total += n;
			sum += c;
		}
		if (sum != json_object_get_uint64(total))
			die("vCPU %d: the reasons' cycles are %" PRIu64 ", the total is %" PRIu64,
			    i, sum, json_object_get_uint64(total));
		if (json_object_get_uint64(away) < sum)
			die("vCPU %d: %" PRIu64 " away cycles, less than the cycles, %" PRIu64,
			    i, json_object_get_uint64(away), sum);
	}
}

/* A line of the guest's console: notes what of cpuid-probe's output is in it. */
static void read_guest(struct guest *guest, const char *line)
{
	char reason[32], name[32];
	uint64_t exits;
	int status;

	if (sscanf(line, "CPUID(0x4FFFFFFC), exits=%" SCNu64, &exits) == 1)
		guest->exits = exits;
	if (sscanf(line, "EXITSTAT-L2: load ends, status %d", &status) == 1 && status)
		die("the guest's load ended with status %d", status);
	if (sscanf(line, "EXITSTAT-L2: table ends, status %d", &status) == 1 ||
	    sscanf(line, "EXITSTAT-L2: raw ends, status %d", &status) == 1) {
		if (status)
			die("the guest's cpuid-probe ended with status %d", status);
		guest->complete = guest->in_rows;
		guest->in_rows = !guest->in_rows;
		return;
	}
	/* The guest's kernel may have something to say on the same console. */
	if (!guest->in_rows || line[0] == '[' || !strncmp(line, "REASON ", strlen("REASON ")))
		return;
	if (sscanf(line, "%31s %31s %" SCNu64, reason, name, &exits) != 3)
		die("cannot read the guest's row: %s", line);
	if (!strcmp(name, "UNLISTED"))
		guest->counts.bucket[UNLISTED] += exits;
	else
		guest->counts.bucket[reason_to_bucket(strtoul(reason, NULL, 0))] += exits;
	guest->counts.total += exits;
}

/* Each number that the guest read lies between the tracepoint's before and after it. */
static void compare_guest(const struct counts *before, const struct guest *guest,
			  const struct counts *after)
{
	int reasons = 0, astray = 0;
	unsigned int bucket;

	if (!guest->complete)
		die("the guest did not print all that its cpuid-probe reads");
	printf("%-32s %12s %12s %12s\n", "exit reason", "tracepoint", "guest", "tracepoint");
	for (bucket = 0; bucket < NR_BUCKETS; bucket++) {
		uint64_t low = before->bucket[bucket], n = guest->counts.bucket[bucket];
		uint64_t high = after->bucket[bucket];
		bool between = low <= n && n <= high;

		if (between && !high)
			continue;
		printf("%-32s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "%s\n", bucket_name(bucket),
		       low, n, high, between ? "" : "  <-- not between");
		reasons++;
		astray += !between;
	}
	printf("%-32s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", "all", before->total,
	       guest->counts.total, after->total);
	if (astray)
		die("%d of %d reasons, as the guest read them, are not between the tracepoint's counts",
		    astray, reasons);
	if (guest->exits < before->total || guest->exits > after->total)
		die("the total that the guest read, %" PRIu64 ", is not between the tracepoint's counts",
		    guest->exits);
	if (!guest->counts.total)
		die("the guest read no exit: nothing was compared");
	printf("between: %d reasons, %" PRIu64 " exits, as the guest read them\n", reasons,
	       guest->counts.total);
}

/* Prints what the tracepoint saw of a vCPU and what KVM counted; returns how many reasons differ. */
static int compare_vcpu(int vcpu, const struct counts *tracepoint, const struct counts *kvm)
{
	int reasons = 0, differ = 0;
	unsigned int bucket;

	printf("vCPU %-27d %12s %12s\n", vcpu, "tracepoint", "statistics");
	for (bucket = 0; bucket < NR_BUCKETS; bucket++) {
		bool equal = tracepoint->bucket[bucket] == kvm->bucket[bucket];

		if (equal && !kvm->bucket[bucket])
			continue;
		printf("%-32s %12" PRIu64 " %12" PRIu64 "%s\n", bucket_name(bucket),
		       tracepoint->bucket[bucket], kvm->bucket[bucket],
		       equal ? "" : "  <-- differ");
		reasons++;
		differ += !equal;
	}
	printf("%-32s %12" PRIu64 " %12" PRIu64 "\n", "all", tracepoint->total, kvm->total);
	fflush(stdout);
	if (differ)
		fprintf(stderr, "compare-exits: vCPU %d: %d of %d reasons differ\n", vcpu, differ, reasons);
	else if (!tracepoint->total)
		die("the tracepoint saw no exit of vCPU %d: nothing was compared", vcpu);
	return differ;
}

/* @guest_compared: without statistics, that is all that was compared. */
static int compare(const struct counts *tracepoint, const struct statistics *kvm, int nr_vcpus,
		   bool guest_compared)
{
	struct counts sum = sum_up(tracepoint, nr_vcpus);
	int reasons = 0, differ = 0, i;
	unsigned int bucket;

	for (i = 0; i < nr_vcpus; i++)
		if (tracepoint[i].total > kvm[i].exits)
			die("vCPU %d: the tracepoint saw %" PRIu64 " exits, more than KVM's \"exits\", %"
			    PRIu64, i, tracepoint[i].total, kvm[i].exits);
	if (!kvm[0].host_view) {
		if (!guest_compared)
			die("this kernel has no host view: nothing was compared");
		printf("skipped: this kernel has no host view\n");
		return 0;
	}
	for (i = 0; i < nr_vcpus; i++)
		differ += compare_vcpu(i, &tracepoint[i], &kvm[i].counts);
	if (differ)
		return 1;
	for (bucket = 0; bucket < NR_BUCKETS; bucket++)
		reasons += sum.bucket[bucket] != 0;
	printf("equal: %d reasons, %" PRIu64 " exits of %d vCPU%s, no difference\n", reasons, sum.total,
	       nr_vcpus, nr_vcpus > 1 ? "s" : "");
	return 0;
}

/* Sockets. QEMU may take a moment to make them. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		die("%s: cannot make a socket", path);
	strcpy(address.sun_path, path);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		if (time(NULL) >= deadline)
			die("%s: %s", path, strerror(errno));
		usleep(100000);
	}
	return fd;
}

/* A line without its end, from a descriptor of its own buffer. */
struct reader {
	int fd;
	size_t size;
	char buffer[1 << 20];
};

static struct reader console, qmp;

static char *read_line(struct reader *r, const char *waiting_for)
{
	static char line[sizeof(r->buffer)];

	for (;;) {
		char *end = memchr(r->buffer, '\n', r->size);
		struct pollfd poll_fd = { .fd = r->fd, .events = POLLIN };
		time_t left = deadline - time(NULL);
		ssize_t n;

		if (end) {
			size_t length = end - r->buffer;

			memcpy(line, r->buffer, length);
			line[length] = 0;
			r->size -= length + 1;
			memmove(r->buffer, end + 1, r->size);
			if (length && line[length - 1] == '\r')
				line[length - 1] = 0;
			return line;
		}
		if (r->size == sizeof(r->buffer))
			die("a line without an end while waiting for %s", waiting_for);
		if (left <= 0 || poll(&poll_fd, 1, left * 1000) == 0)
			die("time-out while waiting for %s; last: %.*s", waiting_for,
			    (int)(r->size < 200 ? r->size : 200), r->buffer);
		n = read(r->fd, r->buffer + r->size, sizeof(r->buffer) - r->size);
		if (n <= 0)
			die("QEMU ended while waiting for %s", waiting_for);
		r->size += n;
	}
}

static void send_text(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("QEMU does not listen: %s", strerror(errno));
}

/* Sends a QMP command and returns what it answers; events that come between are dropped. */
static struct json_object *qmp_command(const char *command)
{
	send_text(qmp.fd, command);
	send_text(qmp.fd, "\n");
	for (;;) {
		struct json_object *answer = json_tokener_parse(read_line(&qmp, command));
		struct json_object *value;

		if (!answer)
			die("QEMU's answer to %s is no JSON", command);
		if (json_object_object_get_ex(answer, "return", &value))
			return value;
		if (json_object_object_get_ex(answer, "error", &value))
			die("%s: %s", command, json_object_to_json_string(value));
	}
}

/* Shows the console up to a line that begins with @marker, and returns that until the next one is read. */
static const char *show_console(const char *marker, struct guest *guest)
{
	for (;;) {
		char *line = read_line(&console, marker);

		printf("%s\n", line);
		fflush(stdout);
		read_guest(guest, line);
		if (!strncmp(line, marker, strlen(marker)))
			return line;
		if (!strncmp(line, BOOTED, strlen(BOOTED)))
			die("the guest has rebooted by itself");
	}
}

/* What a guest that has booted says of its machine.  A kernel without the extended leaves tells none apart. */
struct boot {
	uint64_t exits;
	char machine[16];
};

static struct boot read_boot(const char *line)
{
	const char *exits = strstr(line, "exits="), *machine = strstr(line, "machine=\"");
	struct boot boot = { 0 };

	if (!exits || sscanf(exits, "exits=%" SCNu64, &boot.exits) != 1)
		die("cannot read the number of exits: %s", line);
	if (machine && sscanf(machine, "machine=\"%15[0-9a-f]\"", boot.machine) != 1)
		die("cannot read which machine it is: %s", line);
	return boot;
}

/* A reboot is the same VM's: its id stays, and what it reads then are all exits of before and since. */
static void reboot(const char *histogram, const int *tids, int nr_vcpus, struct guest *guest)
{
	static struct counts before[MAX_VCPUS], after[MAX_VCPUS];
	struct boot first, second;
	struct counts low, high;

	first = read_boot(show_console(BOOTED, guest));
	read_histogram(before, histogram, tids, nr_vcpus);
	send_text(console.fd, "reboot\n");
	second = read_boot(show_console(BOOTED, guest));
	read_histogram(after, histogram, tids, nr_vcpus);
	send_text(console.fd, "go\n");
	low = sum_up(before, nr_vcpus);
	high = sum_up(after, nr_vcpus);
	if (strcmp(first.machine, second.machine))
		die("the guest's reboot made the machine %s of %s", second.machine, first.machine);
	if (first.exits > low.total || second.exits <= low.total || second.exits > high.total)
		die("the guest read %" PRIu64 " exits before its reboot and %" PRIu64 " after it, the tracepoint had %"
		    PRIu64 " and %" PRIu64, first.exits, second.exits, low.total, high.total);
	printf("rebooted: machine %s read %" PRIu64 " exits before, %" PRIu64 " after\n",
	       *first.machine ? first.machine : "(without an id)", first.exits, second.exits);
}

/* The statistics in the order of the vCPUs: QEMU lists them the other way round (seen in 7.2). */
static struct json_object *in_order_of(struct json_object *cpus, struct json_object *statistics)
{
	struct json_object *ordered = json_object_new_array();
	size_t i, j;

	for (i = 0; i < json_object_array_length(cpus); i++) {
		struct json_object *cpu = json_object_array_get_idx(cpus, i);
		const char *path = json_object_get_string(member(cpu, "qom-path"));

		for (j = 0; j < json_object_array_length(statistics); j++) {
			struct json_object *vcpu = json_object_array_get_idx(statistics, j);

			if (!strcmp(json_object_get_string(member(vcpu, "qom-path")), path))
				json_object_array_add(ordered, json_object_get(vcpu));
		}
	}
	return ordered;
}

static int run(const char *console_path, const char *qmp_path, const char *histogram, int nr_vcpus, bool no_reboot)
{
	static struct counts before[MAX_VCPUS], after[MAX_VCPUS], stopped[MAX_VCPUS];
	static struct statistics kvm[MAX_VCPUS];
	struct counts low, high;
	struct guest guest = { 0 };
	int tids[MAX_VCPUS];
	struct json_object *answer, *cpus;
	int i;

	console.fd = connect_to(console_path);
	qmp.fd = connect_to(qmp_path);
	qmp_command("{\"execute\":\"qmp_capabilities\"}");
	cpus = qmp_command("{\"execute\":\"query-cpus-fast\"}");
	if ((int)json_object_array_length(cpus) != nr_vcpus)
		die("QEMU has %zu vCPUs instead of %d", json_object_array_length(cpus), nr_vcpus);
	for (i = 0; i < nr_vcpus; i++)
		tids[i] = json_object_get_int(member(json_object_array_get_idx(cpus, i), "thread-id"));

	if (no_reboot) {
		show_console(BOOTED, &guest);
		send_text(console.fd, "go\n");
	} else {
		reboot(histogram, tids, nr_vcpus, &guest);
	}
	show_console("EXITSTAT-L2: ready", &guest);
	read_histogram(before, histogram, tids, nr_vcpus);
	send_text(console.fd, "\n");
	show_console("EXITSTAT-L2: read", &guest);
	read_histogram(after, histogram, tids, nr_vcpus);
	send_text(console.fd, "\n");
	show_console("EXITSTAT-L2: done", &guest);

	for (;;) {
		answer = qmp_command("{\"execute\":\"query-status\"}");
		if (!strcmp(json_object_get_string(member(answer, "status")), "shutdown"))
			break;
		if (time(NULL) >= deadline)
			die("time-out while waiting for the guest to power off");
		usleep(200000);
	}

	read_histogram(stopped, histogram, tids, nr_vcpus);
	answer = qmp_command("{\"execute\":\"query-stats\",\"arguments\":{\"target\":\"vcpu\","
			     "\"providers\":[{\"provider\":\"kvm\"}]}}");
	read_statistics(kvm, in_order_of(cpus, answer), nr_vcpus);
	send_text(qmp.fd, "{\"execute\":\"quit\"}\n");

	low = sum_up(before, nr_vcpus);
	high = sum_up(after, nr_vcpus);
	compare_guest(&low, &guest, &high);
	return compare(stopped, kvm, nr_vcpus, true);
}

static long number(const char *text, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || end == text || n < 1 || n > max) {
		fprintf(stderr, "compare-exits: \"%s\" is no number from 1 to %ld\n", text, max);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	const char *console_path = NULL, *qmp_path = NULL, *histogram = NULL, *json = NULL;
	const char *before_path = NULL, *rows = NULL;
	int tids[MAX_VCPUS], nr_tids = 0, nr_vcpus = 1, option;
	long seconds = 300;
	bool vendor = false, no_reboot = false;

	while ((option = getopt(argc, argv, "v:c:q:h:n:t:j:p:b:r:R")) != -1) {
		switch (option) {
		case 'v':
			svm = !strcmp(optarg, "svm");
			vendor = svm || !strcmp(optarg, "vmx");
			break;
		case 'c': console_path = optarg; break;
		case 'q': qmp_path = optarg; break;
		case 'h': histogram = optarg; break;
		case 'n': nr_vcpus = number(optarg, MAX_VCPUS); break;
		case 't': seconds = number(optarg, 86400); break;
		case 'j': json = optarg; break;
		case 'b': before_path = optarg; break;
		case 'r': rows = optarg; break;
		case 'R': no_reboot = true; break;
		case 'p':
			if (nr_tids < MAX_VCPUS)
				tids[nr_tids++] = number(optarg, INT32_MAX);
			break;
		default: vendor = false;
		}
	}
	if (!vendor || !histogram || optind != argc || (json ? !nr_tids : !console_path || !qmp_path) ||
	    !before_path != !rows) {
		fputs("usage: compare-exits -v svm|vmx -h HISTOGRAM -c CONSOLE -q QMP [-n VCPUS] [-t SECONDS] [-R]\n"
		      "       compare-exits -v svm|vmx -h HISTOGRAM -j QUERY-STATS-FILE -p TID...\n"
		      "                    [-b HISTOGRAM-BEFORE -r GUEST-CONSOLE]\n", stderr);
		return 2;
	}
	deadline = time(NULL) + seconds;
	/* A QEMU that ended is told by write(). */
	signal(SIGPIPE, SIG_IGN);

	if (json) {
		static struct counts before[MAX_VCPUS], tracepoint[MAX_VCPUS];
		static struct statistics kvm[MAX_VCPUS];
		struct json_object *stats = json_tokener_parse(read_file(json));

		if (!stats)
			die("%s: no JSON", json);
		read_histogram(tracepoint, histogram, tids, nr_tids);
		read_statistics(kvm, stats, nr_tids);
		if (rows) {
			struct guest guest = { 0 };
			struct counts low, high = sum_up(tracepoint, nr_tids);
			char *text = read_file(rows), *line;

			read_histogram(before, before_path, tids, nr_tids);
			low = sum_up(before, nr_tids);
			while ((line = strsep(&text, "\n")) != NULL)
				if (*line)
					read_guest(&guest, line);
			compare_guest(&low, &guest, &high);
		}
		return compare(tracepoint, kvm, nr_tids, rows);
	}
	return run(console_path, qmp_path, histogram, nr_vcpus, no_reboot);
}
