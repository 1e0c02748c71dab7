// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of what needs no /dev/kvm.  Usage: unit PROGRAM */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asm/kvm_exit_stats.h>
#include <asm/svm.h>
#include <asm/vmx.h>

#include "detect.h"
#include "options.h"
#include "reasons.h"
#include "stats.h"
#include "tap.h"
#include "tracepoint.h"
#include "vm.h"

static int passed, failed, skipped;

static void check(bool ok, const char *what, int line)
{
	ok ? passed++ : failed++;
	if (!ok)
		printf("unit.c:%d: false: %s\n", line, what);
}

#define CHECK(condition) check(condition, #condition, __LINE__)

static bool is_a_test(const char *name)
{
	return !strcmp(name, "sum") || !strcmp(name, "cpuid");
}

/* "a b c" as argv; the options stay good until the next call. */
static struct options *parse(const char *line)
{
	static struct options o;
	static char words[256];
	char *argv[32] = { "exitstat-check" }, *word;
	int argc = 1;

	options_free(&o);
	snprintf(words, sizeof(words), "%s", line);
	for (word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	options_parse(&o, argc, argv, is_a_test);
	return &o;
}

static void test_options(void)
{
	static const char *const junk[] = {
		"--bench", "--bench 1", "--bench 101", "--bench 5x", "--dump", "--dump 4", "--dump 03", "--dump x",
		"x", "-", "--", "--lisst", "-z", "--iterations", "--iterations 0", "--iterations -1", "--iterations +1",
		"--iterations 1k", "--iterations 0x10", "--iterations 99999999999999999999", "--iterations 100000001",
		"--vcpus 0", "--vcpus 65", "--vcpus two", "--test", "--test nosuch", "--test sum extra", "--list=1",
		"--bench 5 --dump 0", "--dump 0 --list", "--list --bench 5", "--list --test sum", "--test sum --dump 3",
		"--bench 5 --test sum", "--latency", "--latency 1", "--latency 101", "--latency 5 --bench 5",
		"--latency 5 --test sum", "--scaling", "--scaling 0", "--scaling 65", "--scaling 2 --latency 5",
	};
	struct options *o;
	size_t i;

	o = parse("");
	CHECK(o->action == RUN && o->iterations == 1000 && o->vcpus == 2 && !o->verbose && !o->nr_tests);
	o = parse("--test cpuid -t sum --iterations 5 --vcpus 64 --verbose");
	CHECK(o->action == RUN && o->iterations == 5 && o->vcpus == 64 && o->verbose && o->nr_tests == 2);
	CHECK(!strcmp(o->tests[0], "cpuid") && !strcmp(o->tests[1], "sum"));
	o = parse("--full --invasive --instruction-clock");
	CHECK(o->action == RUN && o->full && o->invasive && o->instruction_clock);
	o = parse("--dump 3 --full");
	CHECK(o->action == DUMP && o->dump_cpl == 3 && o->full);
	o = parse("--bench 7");
	CHECK(o->action == BENCH && o->rounds == 7 && !o->beside);
	o = parse("--bench 7 --beside");
	CHECK(o->action == BENCH && o->rounds == 7 && o->beside);
	o = parse("--latency 9");
	CHECK(o->action == LATENCY && o->rounds == 9);
	o = parse("--scaling 3");
	CHECK(o->action == SCALING && o->vcpus == 3);
	CHECK(parse("--dump 0")->action == DUMP);
	CHECK(parse("--list")->action == LIST);
	CHECK(parse("--list --list")->action == LIST);
	CHECK(parse("--help")->action == HELP);
	CHECK(parse("--version")->action == VERSION);
	for (i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		o = parse(junk[i]);
		/* "--" alone ends the options, which is not wrong. */
		if (!strcmp(junk[i], "--"))
			check(o->action == RUN, junk[i], __LINE__);
		else
			check(o->action == USAGE && *o->error, junk[i], __LINE__);
	}
	options_free(parse(""));
}

static void test_trace(void)
{
	uint64_t tsc = 0;

	CHECK(trace_parse_line("  exitstat-check-86      [000] d..1.  9876543210123: kvm_exit: vcpu 0 reason CPUID\n", &tsc) == 1);
	CHECK(tsc == 9876543210123);
	CHECK(trace_parse_line("           <...>-86      [000] d..1. 18446744073709551615: kvm_entry: vcpu 0\n", &tsc) == 2);
	CHECK(tsc == UINT64_MAX);
	CHECK(trace_parse_line("# tracer: nop\n", &tsc) == 0);
	CHECK(trace_parse_line("\n", &tsc) == 0);
	CHECK(trace_parse_line("CPU:0 [LOST 12 EVENTS]\n", &tsc) == 0);
	CHECK(trace_parse_line("a-1 [000] d.... 12: kvm_msr: msr_write 1 = 0x1\n", &tsc) == 0);
	/* A clock in seconds is not the TSC. */
	CHECK(trace_parse_line("a-1 [000] d..1. 1.234567: kvm_exit: vcpu 0\n", &tsc) == -1);
	CHECK(trace_parse_line("a-1 [000] d..1. : kvm_exit: vcpu 0\n", &tsc) == -1);
	CHECK(trace_parse_line(": kvm_exit: ", &tsc) == -1);
	CHECK(trace_parse_line("99999999999999999999999: kvm_exit: ", &tsc) == -1);
}

static void test_detect(void)
{
	const uint32_t all = KVM_EXIT_STATS_UNDEFINED, none[3] = { 0 };
	uint32_t signature[3];

	memcpy(signature, KVM_EXIT_STATS_SIGNATURE, 12);
	CHECK(detect(signature, (uint32_t[]){ 0, 0, all, all }) == ACCOUNTING_EXTENDED);
	CHECK(detect(none, (uint32_t[]){ 0, 0, all, all }) == ACCOUNTING_REQUIRED);
	CHECK(detect(none, (uint32_t[]){ 0, 0, 0, 0 }) == ACCOUNTING_NONE);
	CHECK(detect(none, (uint32_t[]){ 2, 2, 2, 2 }) == ACCOUNTING_NONE);
	CHECK(detect(none, (uint32_t[]){ all, all, all, all }) == ACCOUNTING_NONE);
	CHECK(detect(none, (uint32_t[]){ all, all, 0, 0 }) == ACCOUNTING_OTHER);
	CHECK(detect(none, (uint32_t[]){ 0, 0, all, 0 }) == ACCOUNTING_OTHER);
}

static int parse_row(const char *line, struct hist_row *row)
{
	struct hist hist = { 0 };
	int ret = hist_parse_line(line, &hist);

	if (hist.nr)
		*row = hist.rows[0];
	hist_free(&hist);
	return ret;
}

static void test_hist(void)
{
	static const char *const malformed[] = {
		"{ common_pid:       1234 } hitcount:          1\n",
		"{ common_pid:       1234, exit_reason:         10 }\n",
		"{ common_pid:       1234, exit_reason:         x } hitcount:          1\n",
		"{ common_pid:         -1, exit_reason:         10 } hitcount:          1\n",
		"{ common_pid:       1234, exit_reason:         10 } hitcount:         1x\n",
		"{ common_pid:       1234, exit_reason:         10 } hitcount:\n",
		"{\n",
		"Dropped: many\n",
	};
	struct hist hist = { 0 };
	struct hist_row row;
	char line[128];
	int i;

	CHECK(parse_row("{ common_pid:       1234, exit_reason:        114 } hitcount:       2009\n", &row) == 1);
	CHECK(row.pid == 1234 && row.reason == 114 && row.count == 2009);
	CHECK(parse_row("{ common_pid:       1234, exit_reason: 4294967295 } hitcount:          1\n", &row) == 1);
	CHECK(row.reason == 0xffffffff);
	CHECK(parse_row("{ common_pid:          7, exit_reason:       0x72 } hitcount: 5000000000\n", &row) == 1);
	CHECK(row.reason == 0x72 && row.count == 5000000000);
	CHECK(parse_row("# event histogram\n", &row) == 0);
	CHECK(parse_row("\n", &row) == 0);
	CHECK(parse_row("Totals:\n", &row) == 0);
	CHECK(parse_row("    Hits: 2009\n", &row) == 0);
	CHECK(hist_parse_line("    Dropped: 12\n", &hist) == 2 && hist.dropped == 12);
	for (i = 0; i < (int)(sizeof(malformed) / sizeof(malformed[0])); i++)
		check(parse_row(malformed[i], &row) == -1, malformed[i], __LINE__);

	for (i = 0; i < 100; i++) {
		/* Reason 48 plain and with VMX's flag bits; threads 0 to 4. */
		snprintf(line, sizeof(line), "{ common_pid: %d, exit_reason: %u } hitcount: 10\n", i % 5,
			 i & 1 ? 48u : 0x80000000u + 48);
		if (hist_parse_line(line, &hist) != 1)
			break;
	}
	CHECK(i == 100 && hist.nr == 100);
	CHECK(hist_total(&hist, (int[]){ 0, 1, 2, 3, 4 }, 5) == 1000);
	CHECK(hist_total(&hist, (int[]){ 3 }, 1) == 200);
	CHECK(hist_count(&hist, (int[]){ 1, 2 }, 2, 48, 0xffff) == 400);
	CHECK(hist_count(&hist, (int[]){ 1, 2 }, 2, 48, 0xffffffff) == 200);
	CHECK(hist_count(&hist, (int[]){ 9 }, 1, 48, 0xffff) == 0);
	hist_free(&hist);
}

/* A statistics file as KVM makes them: header, id, descriptors (struct kvm_stats_desc, with the name), values. */
struct fake {
	struct kvm_stats_header header;
	char id[16];
	struct {
		uint32_t flags;
		int16_t exponent;
		uint16_t size;
		uint32_t offset;
		uint32_t bucket_size;
		char name[16];
	} descs[2];
	uint64_t values[4];
};

static const struct fake fake = {
	.header = {
		.name_size = 16, .num_desc = 2, .id_offset = sizeof(struct kvm_stats_header),
		.desc_offset = offsetof(struct fake, descs), .data_offset = offsetof(struct fake, values),
	},
	.descs = {
		{ .flags = KVM_STATS_TYPE_CUMULATIVE, .size = 1, .offset = 0, .name = "exits" },
		{ .flags = KVM_STATS_TYPE_LINEAR_HIST, .size = 3, .offset = 8, .bucket_size = 1, .name = "exits_hist" },
	},
	.values = { 7, 1, 2, 3 },
};

static struct stats *open_fake(const void *data, size_t size)
{
	char path[] = "/tmp/exitstat-unit-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
		perror(path);
		exit(1);
	}
	unlink(path);
	return stats_open(fd);
}

static void test_stats(void)
{
	struct stats *s = open_fake(&fake, sizeof(fake));
	struct stat_desc desc;
	struct fake bad;
	uint64_t values[4] = { 0 };

	CHECK(s);
	if (!s)
		return;
	CHECK(!stats_find(s, "exits", &desc) && desc.size == 1);
	CHECK(stats_read(s, &desc, values, 4) == 1 && values[0] == 7);
	CHECK(!stats_find(s, "exits_hist", &desc) && desc.size == 3 && desc.bucket_size == 1);
	CHECK((desc.flags & KVM_STATS_TYPE_MASK) == KVM_STATS_TYPE_LINEAR_HIST);
	CHECK(stats_read(s, &desc, values, 4) == 3 && values[0] == 1 && values[2] == 3);
	CHECK(stats_read(s, &desc, values, 2) == 2);
	CHECK(stats_find(s, "exit", &desc) && stats_find(s, "exits_", &desc) && stats_find(s, "", &desc));
	stats_close(s);

	s = open_fake(&fake, sizeof(fake) - 8);
	CHECK(s && !stats_find(s, "exits_hist", &desc) && stats_read(s, &desc, values, 4) == -1);
	stats_close(s);
	CHECK(!open_fake(&fake, 10));
	CHECK(!open_fake(&fake, sizeof(fake.header) + 20));
	bad = fake;
	bad.header.name_size = 0x7fffffff;
	CHECK(!open_fake(&bad, sizeof(bad)));
	bad = fake;
	bad.header.num_desc = 0xffffffff;
	CHECK(!open_fake(&bad, sizeof(bad)));
	CHECK(!stats_open(-1));
}

/* What Linux itself, as Debian ships it, has a name for is a reason here. */
static void test_linux_reasons(void)
{
	static const struct { uint32_t reason; const char *name; } vmx[] = { VMX_EXIT_REASONS }, svm[] = { SVM_EXIT_REASONS };
	size_t i;

	for (i = 0; i < sizeof(vmx) / sizeof(vmx[0]); i++)
		/* Not the flag beside the reason. */
		if (vmx[i].reason != VMX_EXIT_REASONS_FAILED_VMENTRY)
			check(reason_is_defined(vendor_by_id(KVM_EXIT_STATS_VMX), vmx[i].reason), vmx[i].name, __LINE__);
	for (i = 0; i < sizeof(svm) / sizeof(svm[0]); i++)
		/* Nor those that SEV-ES guests give themselves, in software. */
		if (svm[i].reason >> 28 != 8)
			check(reason_is_defined(vendor_by_id(KVM_EXIT_STATS_SVM), svm[i].reason), svm[i].name, __LINE__);
	CHECK(i > 50);
}

static void test_reasons(void)
{
	const struct vendor *vmx = vendor_by_id(KVM_EXIT_STATS_VMX), *svm = vendor_by_id(KVM_EXIT_STATS_SVM);
	const struct vendor *vendors[] = { vmx, svm }, *v;
	int i, j, last, index;

	CHECK(!vendor_by_id(2));
	CHECK(!strcmp(reason_name(vmx, 10), "CPUID (10)") && !strcmp(reason_name(svm, 0x72), "CPUID (0x72)"));
	CHECK(!strcmp(reason_name(svm, 0x13), "WRITE_CR+3 (0x13)"));
	CHECK(!strcmp(reason_name(vmx, 35), "undefined (35)"));
	CHECK(reason_is_defined(svm, 0xffffffff) && !reason_is_defined(vmx, 0xffffffff));
	CHECK(reason_index(vmx, 10) == 10 && reason_index(svm, 0x400) == 0x100 && reason_index(svm, 0x403) == 0x103);
	CHECK(reason_index(svm, 0xffffffff) == 0x17f && reason_index(vmx, 0xffffffff) == -1);
	CHECK(vmx->never_taken[vmx->nr_never_taken - 1] && svm->never_taken[svm->nr_never_taken - 1]);
	for (i = 0; i < 2; i++) {
		v = vendors[i];
		CHECK(v->nr > 50 && v->nr < MAX_REASONS);
		last = -1;
		for (j = 0; j < v->nr; j++) {
			index = reason_index(v, v->reasons[j]);
			check(index > last && index < NR_INDEXES, reason_name(v, v->reasons[j]), __LINE__);
			last = index;
		}
		for (j = 0; j < v->nr_never_taken; j++)
			check(reason_is_defined(v, v->never_taken[j]), reason_name(v, v->never_taken[j]), __LINE__);
		for (j = 0; j < v->nr_undefined; j++)
			check(!reason_is_defined(v, v->undefined[j]), reason_name(v, v->undefined[j]), __LINE__);
	}
}

static void test_kvm(void)
{
	const char *error;

	error = kvm_open("/nonexistent/kvm");
	CHECK(error && strstr(error, "/nonexistent/kvm: open: No such file"));
	CHECK(error && strstr(error, "load kvm_intel or kvm_amd"));
	/* There, but no KVM. */
	error = kvm_open("/dev/null");
	CHECK(error && strstr(error, "KVM_GET_API_VERSION") && strstr(error, "not the KVM that Linux has"));
	if (getuid()) {
		error = kvm_open("/proc/1/mem");
		CHECK(error && strstr(error, "root or as a member of the group kvm"));
	} else {
		printf("skipped: the message without permission, as root has every\n");
		skipped++;
	}
}

/* The exit status of a command line of the program itself; where its output goes is in the line. */
static int status_of(const char *program, const char *rest)
{
	char command[512];
	int status;

	snprintf(command, sizeof(command), "%s %s", program, rest);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_program(const char *program)
{
	CHECK(status_of(program, "--help > /dev/null") == STATUS_TRUE);
	CHECK(status_of(program, "--version > /dev/null") == STATUS_TRUE);
	CHECK(status_of(program, "--list | grep -q ^tracepoint-smp") == 0);
	CHECK(status_of(program, "--junk 2> /dev/null") == STATUS_USAGE);
	CHECK(status_of(program, "junk 2>&1 | grep -q \"'junk'\"") == 0);
	CHECK(status_of(program, "--bench 5 --dump 0 2>&1 | grep -q -e '--bench and --dump exclude each other'") == 0);
	CHECK(status_of(program, "--list --test sum 2>&1 | grep -q -e '--list and --test exclude each other'") == 0);
	CHECK(status_of(program, "--list > /dev/full 2> /dev/null") == STATUS_FALSE);
}

/* What tap_finish() says after one test that ended so, in a process of its own. */
static int status_after(enum verdict first, enum verdict second)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(99);
		tap_plan(2, false);
		tap_result(first, "first", "");
		tap_result(second, "second", "");
		_exit(tap_finish());
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_tap(void)
{
	CHECK(status_after(PASS, PASS) == STATUS_TRUE);
	CHECK(status_after(PASS, SKIP) == STATUS_TRUE);
	CHECK(status_after(SKIP, FAIL) == STATUS_FALSE);
	CHECK(status_after(SKIP, SKIP) == STATUS_SKIPPED);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: unit PROGRAM\n");
		return 2;
	}
	test_options();
	test_tap();
	test_detect();
	test_hist();
	test_trace();
	test_stats();
	test_reasons();
	test_linux_reasons();
	test_kvm();
	test_program(argv[1]);
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed ? 1 : 0;
}
