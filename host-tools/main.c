// SPDX-License-Identifier: GPL-2.0-or-later
/* exitstat-check: checks KVM's VM-exit accounting from inside micro-VMs. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <asm/kvm_exit_stats.h>

#include "detect.h"
#include "options.h"
#include "tests.h"
#include "tracepoint.h"

#ifndef VERSION_STRING
#define VERSION_STRING "unknown"
#endif

#define KVM_DEVICE	"/dev/kvm"
/* A guest that nothing wakes any more must not hang whoever waits for the answer. */
#define TEST_TIMEOUT	600

static const char *running = "detection";

static const struct test *find_test(const char *name)
{
	int i;

	for (i = 0; i < nr_tests; i++)
		if (!strcmp(tests[i].name, name))
			return &tests[i];
	return NULL;
}

static bool is_test(const char *name)
{
	return find_test(name);
}

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(STATUS_FALSE);
}

/* Only what a signal handler may call. */
static void on_signal(int number)
{
	const char *why = number == SIGALRM ? ": did not end in time\n" : ": interrupted\n";

	tests_clean_up();
	say(STDOUT_FILENO, "Bail out! ");
	say(STDOUT_FILENO, running);
	say(STDOUT_FILENO, why);
	say(STDERR_FILENO, "exitstat-check: ");
	say(STDERR_FILENO, running);
	say(STDERR_FILENO, why);
	_exit(STATUS_FALSE);
}

static enum accounting find_accounting(void)
{
	struct vm *vm = vm_create(0, 1);
	struct leaf_read r[5] = { { .leaf = KVM_EXIT_STATS_CPUID_BASE } };
	uint32_t edx[4];
	int i;

	/* The signature first. */
	for (i = 0; i < 4; i++)
		r[1 + i] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_COUNT + i, 0xffff };
	read_leaves(&vm->vcpus[0], r, 5);
	vm_destroy(vm);
	for (i = 0; i < 4; i++)
		edx[i] = r[1 + i].edx;
	return detect((uint32_t[]){ r[0].ebx, r[0].ecx, r[0].edx }, edx);
}

static void run_test(struct ctx *c, const struct test *test)
{
	enum verdict verdict;

	running = test->name;
	alarm(TEST_TIMEOUT);
	if (test->extended && !c->extended)
		verdict = skip("this kernel has no extended leaves");
	else
		verdict = test->run(c, test);
	while (c->nr_vms)
		destroy_vm(c);
	alarm(0);
	tap_result(verdict, test->name, test->what);
}

static int run(const struct options *o)
{
	struct ctx c = {
		.iterations = o->iterations, .vcpus = o->vcpus, .full = o->full,
		.invasive = o->invasive,
		.instruction_clock = o->instruction_clock,
	};
	const char *error;
	int i;

	c.vendor = vendor_of_host();
	if (!c.vendor) {
		fprintf(stderr, "exitstat-check: this processor has neither Intel's nor AMD's virtualisation\n");
		return STATUS_NO_KVM;
	}
	error = kvm_open(KVM_DEVICE);
	if (error) {
		fprintf(stderr, "exitstat-check: %s\n", error);
		return STATUS_NO_KVM;
	}
	signal(SIGALRM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	alarm(TEST_TIMEOUT);
	at_bail_out = tests_clean_up;
	if (o->action == DUMP) {
		running = "--dump";
		dump_leaves(o->full, o->dump_cpl, o->beside);
		return STATUS_TRUE;
	}
	if (o->action == BENCH) {
		running = "--bench";
		bench(c.vendor, o->rounds, o->beside);
		return STATUS_TRUE;
	}
	if (o->action == LATENCY) {
		running = "--latency";
		latency(c.vendor, o->rounds);
		return STATUS_TRUE;
	}
	if (o->action == SCALING) {
		running = "--scaling";
		scaling(c.vendor, o->vcpus);
		return STATUS_TRUE;
	}
	switch (find_accounting()) {
	case ACCOUNTING_NONE:
		/* The parameter is this kernel's alone. */
		if (module_parameter("kvm", "exit_stats") == 0)
			fprintf(stderr, "exitstat-check: KVM's exit accounting is off (kvm.exit_stats=0): write 1 to "
				"/sys/module/kvm/parameters/exit_stats, and VMs made from then on have it\n");
		else
			fprintf(stderr, "exitstat-check: this kernel has no exit accounting\n");
		return STATUS_NO_ACCOUNTING;
	case ACCOUNTING_OTHER:
		fprintf(stderr, "exitstat-check: this kernel has no exit accounting of ours: its leaves 0x4ffffffc to "
			"0x4fffffff follow another numbering\n");
		return STATUS_NO_ACCOUNTING;
	case ACCOUNTING_REQUIRED:
		break;
	case ACCOUNTING_EXTENDED:
		c.extended = true;
		break;
	}

	tap_plan(o->nr_tests ? o->nr_tests : nr_tests, o->verbose);
	note("%s, %s leaves, %u iterations, %d vCPUs", c.vendor->name, c.extended ? "extended" : "required",
	     c.iterations, c.vcpus);
	if (o->nr_tests)
		for (i = 0; i < o->nr_tests; i++)
			run_test(&c, find_test(o->tests[i]));
	else
		for (i = 0; i < nr_tests; i++)
			run_test(&c, &tests[i]);
	return tap_finish();
}

int main(int argc, char **argv)
{
	struct options o;
	int i, status = STATUS_TRUE;

	options_parse(&o, argc, argv, is_test);
	switch (o.action) {
	case RUN:
	case DUMP:
	case BENCH:
	case LATENCY:
	case SCALING:
		status = run(&o);
		break;
	case LIST:
		for (i = 0; i < nr_tests; i++)
			printf("%-20s %s\n", tests[i].name, tests[i].what);
		break;
	case HELP:
		options_help();
		break;
	case VERSION:
		puts("exitstat-check " VERSION_STRING);
		break;
	case USAGE:
		fprintf(stderr, "exitstat-check: %s\nTry 'exitstat-check --help'.\n", o.error);
		status = STATUS_USAGE;
		break;
	}
	options_free(&o);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "exitstat-check: cannot write: %s\n", strerror(errno));
		return STATUS_FALSE;
	}
	return status;
}
