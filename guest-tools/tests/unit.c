// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests: what a static recording cannot show.  Numbers of leaves and
 * reasons are written out here on purpose: they check those of the headers.
 * Output is TAP.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "columns.h"
#include "json.h"
#include "meanings.h"
#include "numbers.h"
#include "reading.h"
#include "runs.h"
#include "series.h"

#define NR(array) (sizeof(array) / sizeof(*(array)))

static int tests;

static void ok(bool good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
}

static void skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tests, name, why);
}

/* A machine that speaks the ABI, and may change or fail at a chosen read. */
struct fake {
	struct source src;	/* first: the source is the machine */
	bool full;
	uint32_t version, features, vendor, instance;
	struct {
		uint32_t reason;
		uint64_t exits, cycles, away;
	} rows[4];
	size_t nr_rows;

	bool counts_reads;	/* each read is an exit of row 0, and costs 100 cycles, ... */
	unsigned int dearer;	/* ... or more, by these */
	unsigned int reads;
	unsigned int event_at;	/* 1 is the first read; 0: no event */
	void (*event)(struct fake *m);
	int error;		/* what reads return once it is set */
};

/* Defined in the range of reasons that the tests below use. */
static bool fake_defines(const struct fake *m, uint32_t reason)
{
	if (m->vendor == 1)
		return reason <= 0xa6 || (reason >= 0x400 && reason <= 0x403) ||
		       reason == 0xffffffff;
	/* 80 is a reason of a manual newer than the program's. */
	return reason <= 80 && reason != 35 && reason != 38 && reason != 42 && reason != 71;
}

static uint32_t fake_index(const struct fake *m, uint32_t reason)
{
	if (m->vendor == 0 || reason < 0x400)
		return reason;
	return reason == 0xffffffff ? 0x17f : reason - 0x400 + 0x100;
}

static void fake_counters(const struct fake *m, uint32_t reason, bool total,
			  uint64_t *exits, uint64_t *cycles, uint64_t *away)
{
	*exits = *cycles = *away = 0;
	for (size_t i = 0; i < m->nr_rows; i++) {
		if (!total && m->rows[i].reason != reason)
			continue;
		*exits += m->rows[i].exits;
		*cycles += m->rows[i].cycles;
		*away += m->rows[i].away;
	}
}

static void fake_bitmap(const struct fake *m, uint32_t part, uint32_t word[4])
{
	for (size_t i = 0; i < m->nr_rows; i++) {
		uint32_t index = fake_index(m, m->rows[i].reason);

		if (m->rows[i].exits && index / 128 == part)
			word[index % 128 / 32] |= 1u << index % 32;
	}
}

static int fake_read(struct source *src, uint32_t leaf, uint32_t subleaf,
		     struct cpuid_regs *regs)
{
	const struct cpuid_regs undefined = { 0, 0, 0, 0xffffffff };
	const struct cpuid_regs undefined_record = {
		0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff
	};
	struct fake *m = (struct fake *)src;
	bool defined = fake_defines(m, subleaf);
	uint64_t exits, cycles, away;
	uint32_t word[4] = { 0 };

	if (++m->reads == m->event_at)
		m->event(m);
	if (m->error)
		return m->error;
	if (m->counts_reads) {
		m->rows[0].exits++;
		m->rows[0].cycles += 100 + m->dearer;
		m->rows[0].away += 100 + m->dearer;
	}

	*regs = (struct cpuid_regs){ 0 };
	fake_counters(m, subleaf, leaf == 0x4ffffffc || leaf == 0x4ffffffd ||
		      leaf == 0x4fffff04 || leaf == 0x4fffff07, &exits, &cycles, &away);
	if (!m->full && leaf >= 0x4fffff00 && leaf < 0x4ffffffc)
		return 0;

	switch (leaf) {
	case 1:
		regs->ecx = 0x80000000;
		break;
	case 0x40000000:
		*regs = (struct cpuid_regs){ 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d };
		break;
	case 0x4fffff00:	/* "KVMExitStats" */
		*regs = (struct cpuid_regs){ 0x4fffffff, 0x454d564b, 0x53746978, 0x73746174 };
		break;
	case 0x4fffff01:
		*regs = (struct cpuid_regs){ m->version, m->features, 2000000, m->vendor };
		break;
	case 0x4fffff02:
		fake_bitmap(m, subleaf, word);
		*regs = (struct cpuid_regs){ word[0], word[1], word[2], word[3] };
		break;
	case 0x4fffff03:
	case 0x4fffff04:
		*regs = (struct cpuid_regs){ exits, exits >> 32, cycles, cycles >> 32 };
		if (leaf == 0x4fffff03 && !defined)
			*regs = undefined_record;
		break;
	case 0x4fffff05:
	case 0x4fffff07:
		*regs = (struct cpuid_regs){ away, away >> 32, 0, 0 };
		if (leaf == 0x4fffff05 && !defined)
			*regs = undefined_record;
		break;
	case 0x4fffff06:
		*regs = (struct cpuid_regs){ m->instance, 2, 0, 0 };
		break;
	case 0x4ffffffc:
	case 0x4ffffffe:
		*regs = (struct cpuid_regs){ .eax = exits };
		if (leaf == 0x4ffffffe && !defined)
			*regs = undefined;
		break;
	case 0x4ffffffd:
	case 0x4fffffff:
		*regs = (struct cpuid_regs){ .ebx = cycles >> 32, .ecx = cycles };
		if (leaf == 0x4fffffff && !defined)
			*regs = undefined;
		break;
	}
	return 0;
}

/* Three reasons; EPT_VIOLATION has more of everything than 32 bits hold. */
static struct fake fake_vmx(void)
{
	return (struct fake){
		.src.read = fake_read, .full = true, .version = 1, .features = 0x1f,
		.instance = 0xabcd,
		.rows = {
			{ 10, 100, 5000, 6000 },
			{ 48, 0x100000002, 0x300000004, 0x500000006 },
			{ 12, 7, 70, 7000000 },
		},
		.nr_rows = 3,
	};
}

static struct fake fake_svm(void)
{
	return (struct fake){
		.src.read = fake_read, .full = true, .version = 1, .features = 0x1f,
		.vendor = 1, .instance = 0xabcd,
		.rows = {
			{ 0x72, 100, 5000, 6000 },
			{ 0x400, 20, 9000, 9000 },
			{ 0xffffffff, 1, 10, 10 },
			{ 0x4e, 3, 30, 30 },
		},
		.nr_rows = 4,
	};
}

static const struct counter *row_of(const struct counters *c, const char *name)
{
	for (size_t i = 0; i < c->nr_rows; i++)
		if (!strcmp(c->rows[i].name, name))
			return &c->rows[i];
	return NULL;
}

static bool row_is(const struct counters *c, const char *name, uint32_t reason,
		   uint64_t exits, uint64_t cycles)
{
	const struct counter *row = row_of(c, name);

	return row && row->listed && row->reason == reason && row->exits == exits &&
	       row->cycles == cycles;
}

static bool named(enum vendor vendor, uint32_t reason, const char *expected)
{
	char name[REASON_NAME_SIZE];

	return reason_name(vendor, reason, name) && !strcmp(name, expected);
}

static void test_reasons(void)
{
	static const uint32_t undefined[] = {
		35, 38, 42, 71, 80, 0x400, 0xffff, 10 | 0x80000000, 0xffffffff
	};
	char name[REASON_NAME_SIZE];
	uint32_t reason;
	bool good;

	ok(reasons_defined(VENDOR_VMX) == 76, "Intel defines 76 reasons");
	ok(reasons_defined(VENDOR_SVM) == 172, "AMD defines 172 codes");
	ok(named(VENDOR_VMX, 0, "EXCEPTION_NMI") && named(VENDOR_VMX, 10, "CPUID") &&
	   named(VENDOR_VMX, 75, "NOTIFY"), "Intel's names");
	ok(named(VENDOR_SVM, 0, "READ_CR0") && named(VENDOR_SVM, 3, "READ_CR3") &&
	   named(VENDOR_SVM, 0x1f, "WRITE_CR15") && named(VENDOR_SVM, 0x4e, "EXCP14") &&
	   named(VENDOR_SVM, 0x72, "CPUID") && named(VENDOR_SVM, 0x400, "NPF") &&
	   named(VENDOR_SVM, 0xffffffff, "INVALID"), "AMD's names, numbered in ranges");

	good = true;
	for (size_t i = 0; i < NR(undefined); i++)
		good = good && !reason_name(VENDOR_VMX, undefined[i], name) &&
		       !strcmp(name, "UNKNOWN");
	ok(good, "what Intel does not define");
	ok(!reason_name(VENDOR_SVM, 0xa7, name) && !reason_name(VENDOR_SVM, 0x3ff, name) &&
	   !reason_name(VENDOR_SVM, 0x404, name) && !reason_name(VENDOR_SVM, 0xffff, name) &&
	   !reason_name(VENDOR_SVM, 0xfffffffe, name), "what AMD does not define");

	good = true;
	for (int vendor = VENDOR_VMX; vendor <= VENDOR_SVM; vendor++)
		for (size_t i = 0; i < reasons_defined(vendor); i++)
			good = good && reason_name(vendor, reason_nth(vendor, i), name) &&
			       (!i || reason_nth(vendor, i) > reason_nth(vendor, i - 1));
	ok(good, "every reason has a name, in rising order");

	/* Detection tells the vendors apart by it. */
	ok(reason_find(VENDOR_SVM, "NPF", &reason) && reason == 0x400 &&
	   !reason_find(VENDOR_VMX, "NPF", &reason), "nested page faults are AMD's alone");

	good = true;
	for (int vendor = VENDOR_VMX; vendor <= VENDOR_SVM; vendor++) {
		size_t found = 0;

		for (uint32_t i = 0; i < bitmap_size(vendor); i++)
			found += reason_name(vendor, bitmap_reason(vendor, i), name);
		good = good && found == reasons_defined(vendor) &&
		       bitmap_size(vendor) % KVM_EXIT_STATS_BITS_PER_LEAF == 0;
	}
	ok(good, "every reason has one index in the bitmap");
	ok(bitmap_reason(VENDOR_SVM, 0x103) == 0x403 &&
	   bitmap_reason(VENDOR_SVM, 0x17f) == 0xffffffff &&
	   bitmap_reason(VENDOR_SVM, 0xa6) == 0xa6, "AMD's indices");
}

static void test_answers(void)
{
	struct answers set = { 0 };
	struct cpuid_regs regs = { 1, 2, 3, 4 };
	bool good = true;

	ok(!answers_find(&set, 0, 0), "an empty set has no answer");
	for (uint32_t i = 0; i < ANSWERS_MAX; i++)
		good = good && !answers_set(&set, 1, i, &regs);
	ok(good && answers_set(&set, 2, 0, &regs) == -ENOMEM, "a set has a bound");
	regs.edx = 5;
	ok(!answers_set(&set, 1, 7, &regs) && set.nr == ANSWERS_MAX &&
	   answers_find(&set, 1, 7)->regs.edx == 5 && answers_find(&set, 1, 8)->regs.edx == 4,
	   "the last answer stays");
	answers_free(&set);
}

static void test_counters(void)
{
	struct fake m = fake_vmx();
	struct detection d;
	struct counters c;
	const struct counter *row;

	ok(!probe(&m.src, &d, &c) && d.result == DETECTED_FULL && d.vendor == VENDOR_VMX &&
	   d.tsc_khz == 2000000 && d.instance == 0xabcd && d.vcpus == 2,
	   "full ABI: what it says about the machine");
	ok(row_is(&c, "EPT_VIOLATION", 48, 0x100000002, 0x300000004) &&
	   row_is(&c, "CPUID", 10, 100, 5000) && row_is(&c, "XSETBV", 55, 0, 0),
	   "full ABI: 64-bit records");
	ok(c.wide && c.exits == 0x10000006d && c.cycles == 0x3000013d2 &&
	   c.leaf_exits == 0x6d && c.leaf_cycles == c.cycles, "full ABI: totals");
	row = row_of(&c, "HLT");
	ok(c.has_away && row && row->away == 7000000, "full ABI: away cycles");
	ok(c.sum_exits == c.exits && c.sum_cycles == c.cycles, "full ABI: the sum of the rows");
	ok(c.nr_rows == 76 && c.rows[0].reason == 48 && c.rows[1].reason == 10 &&
	   c.rows[2].reason == 12 && c.rows[3].reason == 0, "most cycles first");
	/* 5 to detect, the bitmap, 3 rows with away cycles, 4 totals, the own cost, 2 to confirm. */
	ok(m.reads == 19, "full ABI: few reads");
	counters_free(&c);

	m = fake_vmx();
	m.rows[2].reason = 80;
	ok(!probe(&m.src, &d, &c) && row_is(&c, "UNKNOWN", 80, 7, 70),
	   "a reason of a newer host is shown by its number");
	counters_free(&c);

	m = fake_svm();
	ok(!probe(&m.src, &d, &c) && d.vendor == VENDOR_SVM && c.nr_rows == 172 &&
	   row_is(&c, "NPF", 0x400, 20, 9000) && row_is(&c, "INVALID", 0xffffffff, 1, 10) &&
	   row_is(&c, "EXCP14", 0x4e, 3, 30), "full ABI on AMD: codes through the bitmap");
	counters_free(&c);

	m = fake_svm();
	m.features = 0x05;
	ok(!probe(&m.src, &d, &c) && !c.has_away && !d.instance && c.nr_rows == 172 &&
	   row_is(&c, "NPF", 0x400, 20, 9000), "records without a bitmap");
	counters_free(&c);

	m = fake_vmx();
	m.features = 0x01;
	ok(!probe(&m.src, &d, &c) && !c.wide && c.exits == 0x6d && c.cycles == 0x3000013d2 &&
	   row_is(&c, "EPT_VIOLATION", 48, 2, 0x300000004),
	   "without records exits have 32 bits, cycles 64");
	counters_free(&c);

	m = fake_vmx();
	m.features = 0;
	ok(!probe(&m.src, &d, &c) && d.result == DETECTED_FULL && !c.nr_rows && c.exits == 0x6d,
	   "totals only, if no feature is offered");
	counters_free(&c);

	m = fake_svm();
	m.version = 2;
	m.features = 0xff;
	ok(!probe(&m.src, &d, &c) && d.result == DETECTED_UNKNOWN_VERSION && d.version == 2 &&
	   d.vendor == VENDOR_SVM && d.features == 1 && row_is(&c, "NPF", 0x400, 20, 9000),
	   "an unknown version: the required leaves");
	counters_free(&c);

	m = fake_svm();
	m.full = false;
	ok(!probe(&m.src, &d, &c) && d.result == DETECTED_REQUIRED && d.vendor == VENDOR_SVM &&
	   row_is(&c, "INVALID", 0xffffffff, 1, 10), "required leaves on AMD");
	counters_free(&c);

	m = fake_vmx();
	m.full = false;
	ok(!probe(&m.src, &d, &c) && d.result == DETECTED_REQUIRED && d.vendor == VENDOR_VMX &&
	   row_is(&c, "CPUID", 10, 100, 5000), "required leaves on Intel");
	counters_free(&c);
}

/* Events: the machine moves. */
static void restart(struct fake *m)
{
	m->instance++;
	m->rows[0].exits = 1;
}

static void restart_and_again(struct fake *m)
{
	restart(m);
	/* In the middle of the next reading, wherever this one was. */
	m->event_at = m->reads + 16;
}

static void lose_extended_leaves(struct fake *m)
{
	m->full = false;
}

static void block(struct fake *m)
{
	m->error = -EACCES;
}

static void exhaust(struct fake *m)
{
	m->error = -ENOMEM;
}

static void test_events(void)
{
	struct detection d;
	struct counters c;
	struct fake m;
	bool good;

	m = fake_vmx();
	m.event = restart;
	m.event_at = 10;
	ok(!probe(&m.src, &d, &c) && d.instance == 0xabce && row_is(&c, "CPUID", 10, 1, 5000) &&
	   c.sum_exits == 0x10000000a, "a torn table is dropped and read again");
	counters_free(&c);

	m = fake_vmx();
	m.event = restart_and_again;
	m.event_at = 10;
	ok(probe(&m.src, &d, &c) == -EAGAIN && !c.rows, "a table torn twice is an error");

	m = fake_vmx();
	m.event = lose_extended_leaves;
	m.event_at = 10;
	ok(!probe(&m.src, &d, &c) && d.result == DETECTED_REQUIRED &&
	   row_is(&c, "CPUID", 10, 100, 5000), "a move to a host with less is seen");
	counters_free(&c);

	/* An error at whichever read leaves nothing behind; the leak check helps here. */
	good = true;
	for (unsigned int at = 1; at <= 19; at++) {
		m = fake_vmx();
		m.event = block;
		m.event_at = at;
		good = good && !probe(&m.src, &d, &c) && d.result == DETECTED_BLOCKED &&
		       !d.version && !c.rows;
	}
	ok(good, "CPUID that begins to fault at any read is a result");

	good = true;
	for (unsigned int at = 1; at <= 19; at++) {
		m = fake_vmx();
		m.event = exhaust;
		m.event_at = at;
		good = good && probe(&m.src, &d, &c) == -ENOMEM && !c.rows;
	}
	ok(good, "an error at any read is passed on");
}

/* Differences between two readings of a fake machine. */
static int subtract(struct fake *m, void (*change)(struct fake *m), struct counters *diff)
{
	struct reading a, b;
	int err;

	if (reading_take(&m->src, &a))
		return -EIO;
	if (change)
		change(m);
	if (reading_take(&m->src, &b))
		return -EIO;
	err = reading_subtract(&a, &b, diff);
	reading_free(&a);
	reading_free(&b);
	return err;
}

/* Each read is an exit: what came on top is told exactly. */
static void advance_some(struct fake *m)
{
	m->rows[0].exits += 10000;
	m->rows[0].cycles += 2000000;
	m->rows[0].away += 2500000;
	m->rows[2].exits += 3;
	m->rows[2].cycles += 300;
	m->rows[2].away += 300000;
}

/* The reads of the second reading cost so much that those of the first seem to as well. */
static void reads_get_dearer(struct fake *m)
{
	m->rows[0].exits += 35;
	m->rows[0].cycles += 350;
	m->rows[0].away += 350;
	m->dearer = 10000;
}

static void wrap(struct fake *m)
{
	m->rows[2].exits += 0x100000000 - 7 + 5;	/* to 5, in 32 bits */
	m->rows[2].cycles += 99;
}

static void go_backwards(struct fake *m)
{
	m->rows[1].cycles--;
}

static void go_back_in_exits(struct fake *m)
{
	m->rows[1].exits--;
	m->rows[1].cycles++;
}

static void new_instance(struct fake *m)
{
	m->instance = 7;
	m->rows[0].exits += 5;
}

static void test_differences(void)
{
	struct counters c;
	struct fake m;
	bool good = true;

	for (int vendor = 0; vendor < 2; vendor++) {
		m = vendor ? fake_svm() : fake_vmx();
		m.counts_reads = true;
		good = good && !subtract(&m, advance_some, &c) &&
		       counters_find(&c, "CPUID")->exits == 10000 &&
		       counters_find(&c, "CPUID")->cycles == 2000000 &&
		       c.exits == 10003 && c.cycles == 2000300 && c.own.exits &&
		       c.own.cycles == 100 * c.own.exits && c.away == 2800000;
		counters_free(&c);
	}
	ok(good, "exactly what happened, the reads themselves left out");
	m = fake_vmx();
	m.counts_reads = true;
	m.features = 1;
	ok(!subtract(&m, advance_some, &c) && counters_find(&c, "CPUID")->exits == 10000 &&
	   c.exits == 10003 && !c.wide, "the same with required leaves alone");
	counters_free(&c);
	m = fake_vmx();
	m.counts_reads = true;
	ok(!subtract(&m, reads_get_dearer, &c) && counters_find(&c, "CPUID")->exits == 35 &&
	   counters_find(&c, "CPUID")->cycles > 350 && c.exits == 35 &&
	   counters_find(&c, "CPUID")->cycles <= c.cycles && c.cycles <= c.away,
	   "exits are left some cycles where the reads' cost is taken for too high");
	counters_free(&c);

	m = fake_vmx();
	m.features = 1;
	ok(!subtract(&m, wrap, &c) && counters_find(&c, "HLT")->exits == 0x100000000 - 2 &&
	   counters_find(&c, "HLT")->cycles == 99, "counts of 32 bits wrap");
	counters_free(&c);
	m = fake_vmx();
	ok(!subtract(&m, wrap, &c) && counters_find(&c, "HLT")->exits == 0x100000000 - 2,
	   "counts of 64 bits do not");
	counters_free(&c);

	m = fake_vmx();
	ok(subtract(&m, go_backwards, &c) == -ESTALE && !c.rows, "cycles that went backwards");
	m = fake_vmx();
	ok(subtract(&m, go_back_in_exits, &c) == -ESTALE && !c.rows, "exits that went backwards");
	m = fake_vmx();
	m.features = 1;
	ok(subtract(&m, go_backwards, &c) == -ESTALE, "and with required leaves alone");
	m = fake_vmx();
	ok(subtract(&m, new_instance, &c) == -ESTALE, "another instance is a restart");
	m = fake_vmx();
	ok(subtract(&m, lose_extended_leaves, &c) == -ESTALE, "a host with less is a restart");
	m = fake_vmx();
	ok(!subtract(&m, NULL, &c) && !c.exits && !c.cycles && c.nr_rows == 76, "nothing happened");
	counters_free(&c);
}

static struct counters made_run(uint64_t exits, uint64_t hlt)
{
	struct counters c = { .seconds = 2, .exits = exits + hlt, .tsc_khz = 1000 };
	struct counter row = { .listed = true, .reason = 10, .name = "CPUID", .exits = exits };

	row.cycles = exits * 100;
	counters_add_row(&c, &row);
	row = (struct counter){ .listed = true, .reason = 12, .name = "HLT", .exits = hlt };
	if (hlt)
		counters_add_row(&c, &row);
	return c;
}

static void test_runs(void)
{
	static const uint64_t values[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
	struct counters one, mean, sum;
	struct runs runs = { 0 };
	struct sample s = { 0 };
	bool good = true;

	ok(sample_deviation(&s) == 0, "no value has no deviation");
	for (size_t i = 0; i < NR(values); i++) {
		sample_add(&s, values[i]);
		one = made_run(values[i], i == 1 ? 8 : 0);
		good = good && !runs_add(&runs, &one);
	}
	ok(good && s.mean == 5 && sample_deviation(&s) > 2.138 && sample_deviation(&s) < 2.1381,
	   "mean and standard deviation");
	ok(!runs_mean(&runs, &mean) && mean.runs == 8 && mean.seconds == 2 &&
	   counters_find(&mean, "CPUID")->exits == 5 &&
	   counters_find(&mean, "CPUID")->cycles == 500 &&
	   counters_find(&mean, "CPUID")->exits_deviation > 2.138 &&
	   counters_find(&mean, "CPUID")->cycles_deviation > 213.8, "the mean of runs");
	ok(counters_find(&mean, "HLT")->exits == 1 && mean.exits == 6 && mean.sum_exits == 6,
	   "a reason that one run alone has");
	ok(!runs_sum(&runs, &sum) && sum.seconds == 16 && sum.exits == 48 &&
	   counters_find(&sum, "HLT")->exits == 8 && sum.runs == 1, "the sum of runs");
	counters_free(&mean);
	counters_free(&sum);
	runs_free(&runs);
}

/* A machine whose readings are a second apart, ending after the fourth. */
static int begin_second(struct source *src)
{
	struct fake *m = (struct fake *)src;

	if (src->stamp.boot_ns == 4000000000)
		return 1;
	src->stamp.boot_ns += 1000000000;
	if (src->stamp.boot_ns == 3000000000)
		m->instance = 99;
	else
		advance_some(m);
	return 0;
}

static void test_series(void)
{
	struct fake m = fake_vmx();
	struct series s;

	m.src.begin = begin_second;
	m.counts_reads = true;
	ok(!series_read(&m.src, &s) && s.readings == 4 && s.nr_intervals == 2 && s.nr_restarts == 1 &&
	   s.restarts[0] == 2, "a series: intervals, and a restart between them");
	ok(s.sum.seconds == 2 && counters_find(&s.sum, "CPUID")->exits == 20000 &&
	   s.sum.exits == 20006 && s.nr_reasons == 2, "a series: its sum, own reads left out");
	ok(s.intervals[0].begin == 0 && s.intervals[0].end == 1 && s.intervals[1].begin == 2 &&
	   s.intervals[1].end == 3 && s.intervals[0].nr == 2, "a series: only what happened is kept");
	series_free(&s);
}

static void test_numbers(void)
{
	static const char *const junk[] = {
		"", " 1", "1 ", "+1", "-1", "0x", "0xg", "zz", "1a", "4294967296", "0x100000000",
		"99999999999999999999", "1e3", "0x0x1", "1.0",
	};
	static const char *const junk_intervals[] = {
		"", "0", ".", ".5", "1.", "0.0009", "86401", "-1", "1s", "1.1234567891", "1,5", "inf",
	};
	bool good = true;
	uint32_t n;
	uint64_t ns;

	ok(!parse_u32("0", &n) && n == 0 && !parse_u32("4294967295", &n) && n == UINT32_MAX &&
	   !parse_u32("0xFFFFffff", &n) && n == UINT32_MAX && !parse_u32("0x4fffff00", &n) &&
	   n == 0x4fffff00, "numbers");
	for (size_t i = 0; i < NR(junk); i++)
		good = good && parse_u32(junk[i], &n);
	ok(good, "what is no number");
	ok(!parse_count("1", 10, &n) && n == 1 && !parse_count("10", 10, &n) &&
	   parse_count("0", 10, &n) && parse_count("11", 10, &n) && parse_count("0x1", 10, &n),
	   "counts");
	ok(!parse_interval("1", &ns) && ns == 1000000000 && !parse_interval("0.001", &ns) &&
	   ns == 1000000 && !parse_interval("2.5", &ns) && ns == 2500000000 &&
	   !parse_interval("86400", &ns), "intervals");
	good = true;
	for (size_t i = 0; i < NR(junk_intervals); i++)
		good = good && parse_interval(junk_intervals[i], &ns);
	ok(good, "what is no interval");
}

/* Every reason that the kernel's tables name has a meaning, and no other has. */
static void test_meanings(void)
{
	bool good = true;

	for (int vendor = VENDOR_VMX; vendor <= VENDOR_SVM; vendor++) {
		for (uint32_t i = 0; i <= 0x500; i++) {
			/* The last one stands for AMD's -1. */
			uint32_t reason = i == 0x500 ? 0xffffffff : i;
			const char *text = reason_meaning(vendor, reason);
			char name[REASON_NAME_SIZE];
			bool defined = reason_name(vendor, reason, name);

			good = good && !text == !defined;
			good = good && (!text || strlen(text) < CELL_SIZE - 1);
		}
	}
	ok(good, "each defined reason has a meaning and a section, no other has");
}

static void test_recording(const char *path)
{
	struct fake m = fake_svm();
	struct source recording, replay;
	struct detection d1, d2;
	struct counters c1, c2;

	ok(!source_open_recording(&recording, &m.src, path) && !source_begin(&recording) &&
	   !probe(&recording, &d1, &c1) && !source_end(&recording, true) &&
	   !source_close(&recording), "recording a machine");
	ok(!source_open_file(&replay, path) && !probe(&replay, &d2, &c2) &&
	   same_machine(&d1, &d2) && c1.nr_rows == c2.nr_rows &&
	   !memcmp(c1.rows, c2.rows, c1.nr_rows * sizeof(*c1.rows)),
	   "its replay gives the same table");
	counters_free(&c1);
	counters_free(&c2);
	source_close(&replay);
	unlink(path);
}

static void test_cells(void)
{
	struct counters c = { .has_away = true, .sum_exits = 3, .sum_cycles = 0 };
	struct counter row = { .listed = true, .exits = 1, .away = 9 };
	struct counter none = { .name = "UNLISTED" };
	struct detection svm = { .vendor = VENDOR_SVM };
	struct selection more, sel;
	char text[CELL_SIZE];

	column_text(COL_EXITS_SHARE, &svm, &c, &row, text);
	ok(!strcmp(text, "33.33"), "a share");
	column_text(COL_CYCLES_SHARE, &svm, &c, &row, text);
	ok(!strcmp(text, "0.00"), "a share of nothing");
	column_text(COL_CYCLES_PER_EXIT, &svm, &c, &none, text);
	ok(!strcmp(text, "-"), "cycles for each of no exits");
	row.reason = 0xffffffff;
	column_text(COL_REASON, &svm, &c, &row, text);
	ok(!strcmp(text, "0xffffffff"), "AMD's codes are hexadecimal");
	ok(column_cell(COL_REASON, &svm, &c, &none).type == CELL_NONE &&
	   column_cell(COL_AWAY, &svm, &c, &none).type == CELL_NONE &&
	   column_cell(COL_AWAY, &svm, &c, &row).number == 9, "what the unlisted row cannot know");
	ok(!row_shown(&none, NULL, false) && row_shown(&none, NULL, true) &&
	   row_shown(&row, NULL, false),
	   "rows of zeros are hidden");

	selection_default(&sel, &c, false);
	ok(sel.nr == 8 && sel.ids[7] == COL_AWAY, "columns with away cycles");
	c.has_away = false;
	c.tsc_khz = 1000;
	c.seconds = 2;
	selection_default(&sel, &c, false);
	ok(sel.nr == 9 && sel.ids[7] == COL_US_PER_EXIT && sel.ids[8] == COL_TIME_SHARE,
	   "columns that need a unit or a time");
	selection_default(&sel, &c, true);
	ok(sel.nr == 9 && sel.ids[3] == COL_EXITS_RATE && sel.ids[5] == COL_CYCLES_RATE,
	   "rates in place of numbers");
	row.exits = 4;
	row.cycles = 1000;
	column_text(COL_EXITS_RATE, &svm, &c, &row, text);
	ok(!strcmp(text, "2.0"), "a rate");
	column_text(COL_US_PER_EXIT, &svm, &c, &row, text);
	ok(!strcmp(text, "250.000"), "microseconds per exit");
	column_text(COL_TIME_SHARE, &svm, &c, &row, text);
	ok(!strcmp(text, "0.05"), "a share of time");
	ok(!selection_parse(&sel, "exits%,NAME") && sel.nr == 2 &&
	   sel.ids[0] == COL_EXITS_SHARE && sel.ids[1] == COL_NAME, "a choice of columns");
	ok(!selection_parse(&more, "meaning,name"), "more columns");
	selection_append(&sel, &more);
	ok(sel.nr == 3 && sel.ids[1] == COL_NAME && sel.ids[2] == COL_MEANING, "one of them is new");
}

static void raise_fault(void *arg)
{
	(void)arg;
	raise(SIGSEGV);
}

static void no_fault(void *arg)
{
	*(int *)arg = 1;
}

/* In a process of its own: the switch cannot be undone under every sanitizer. */
static void test_blocked_cpuid(void)
{
	const char *name = "CPUID that the operating system blocks is a result";
	enum { BLOCKED = 0, WRONG = 1, UNSUPPORTED = 2 };
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		const int arch_set_cpuid = 0x1012;
		struct source cpu;
		struct detection d;

		source_open_cpu(&cpu);
		if (syscall(SYS_arch_prctl, arch_set_cpuid, 0))
			_exit(UNSUPPORTED);
		_exit(!detect(&cpu, &d) && d.result == DETECTED_BLOCKED ? BLOCKED : WRONG);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == UNSUPPORTED)
		skip(name, "this CPU or kernel cannot block CPUID");
	else
		ok(WIFEXITED(status) && WEXITSTATUS(status) == BLOCKED, name);
}

static void test_faults(void)
{
	struct sigaction before, after;
	struct cpuid_regs regs;
	struct source cpu;
	int ran = 0;

	sigaction(SIGSEGV, NULL, &before);
	ok(!runs_without_fault(raise_fault, NULL), "a fault is caught");
	ok(!runs_without_fault(raise_fault, NULL), "and a second one");
	ok(runs_without_fault(no_fault, &ran) && ran, "no fault is no fault");
	sigaction(SIGSEGV, NULL, &after);
	ok(before.sa_handler == after.sa_handler, "the signal's handler is put back");

	source_open_cpu(&cpu);
	ok(!source_read(&cpu, 0, 0, &regs) && regs.eax, "this CPU answers leaf 0");
	test_blocked_cpuid();
}

#define BAD "\xef\xbf\xbd"

static void test_json_text(void)
{
	static const struct { const char *in, *out; } texts[] = {
		{ "", "" }, { "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xff" "a\x80", BAD "a" BAD },			/* never one, or not the first */
		{ "\xc3", BAD }, { "\xe2\x82" "a", BAD BAD "a" },	/* cut short */
		{ "\xc0\xaf", BAD BAD }, { "\xe0\x80\xaf", BAD BAD BAD },	/* longer than it must be */
		{ "\xed\xa0\x80", BAD BAD BAD },			/* a surrogate */
		{ "\xef\xbf\xbf\xf4\x8f\xbf\xbf", "\xef\xbf\xbf\xf4\x8f\xbf\xbf" },
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD },		/* behind the last one */
	};
	bool good = true;

	for (size_t i = 0; i < NR(texts); i++) {
		struct json_object *text = json_text(texts[i].in);

		good &= !strcmp(json_object_get_string(text), texts[i].out);
		json_object_put(text);
	}
	ok(good, "what is not UTF-8 is replaced");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s SCRATCH-FILE\n", argv[0]);
		return 2;
	}
	test_reasons();
	test_answers();
	test_counters();
	test_events();
	test_differences();
	test_runs();
	test_series();
	test_numbers();
	test_meanings();
	test_recording(argv[1]);
	test_cells();
	test_json_text();
	test_faults();
	printf("1..%d\n", tests);
	return 0;
}
