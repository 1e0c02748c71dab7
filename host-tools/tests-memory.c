// SPDX-License-Identifier: GPL-2.0-or-later
/* Out of memory: kernels that can inject faults fail each allocation of a vCPU's creation, one after another. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <asm/kvm_exit_stats.h>

#include "files.h"
#include "tests.h"

#define FAULTS		"/sys/kernel/debug/"
#define MAX_FAULTS	10000
/* Of memory that is left, in bytes: each of KVM's allocations shall be the first to fail, with its fallbacks. */
#define BUDGET_STEP	32
#define MAX_BUDGET	(16 << 20)

/* Nothing is failed by these alone, and nothing but this task by what follows. */
static const char *faults_on(void)
{
	static const char *const settings[][2] = {
		/* Also allocations that may wait, which all of KVM's are. */
		{ FAULTS "failslab/ignore-gfp-wait", "N" },
		{ FAULTS "failslab/task-filter", "Y" },
		{ FAULTS "failslab/times", "-1" },
		{ FAULTS "failslab/verbose", "0" },
		{ FAULTS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ FAULTS "fail_page_alloc/min-order", "0" },
		{ FAULTS "fail_page_alloc/verbose", "0" },
	};
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (write_file(settings[i][0], settings[i][1]))
			return "the kernel injects no faults (CONFIG_FAILSLAB), or its debugfs is not mounted";
	return NULL;
}

/*
 * Fail what the first n bytes do not suffice for; a negative n ends it.  Through a file that is open already: nothing
 * can be opened while everything fails.
 */
static void fail_beyond(int make_it_fail, int n)
{
	char value[16];

	snprintf(value, sizeof(value), "%d", n);
	if (n >= 0 && write_file(FAULTS "failslab/space", value))
		bail_out(FAULTS "failslab/space: %s", strerror(errno));
	if (pwrite(make_it_fail, n < 0 ? "0" : "1", 1, 0) != 1)
		bail_out("/proc/self/make-it-fail: %s", strerror(errno));
}

/* The file descriptor of a vCPU, or a negative errno; *failed says whether a fault was injected. */
static int create_vcpu_failing_nth(struct vm *vm, int id, int n, bool *failed)
{
	char value[16] = "";
	int fd, ret, len;

	fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	len = snprintf(value, sizeof(value), "%d", n);
	if (fd < 0 || write(fd, value, len) != len)
		bail_out("/proc/self/fail-nth: %s", strerror(errno));
	ret = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (ret < 0)
		ret = -errno;
	if (pread(fd, value, sizeof(value) - 1, 0) < 1 || pwrite(fd, "0", 1, 0) != 1)
		bail_out("/proc/self/fail-nth: %s", strerror(errno));
	*failed = *value == '0';
	close(fd);
	return ret;
}

static int create_vcpu_within(struct vm *vm, int id, int make_it_fail, int budget)
{
	int ret;

	fail_beyond(make_it_fail, budget);
	ret = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (ret < 0)
		ret = -errno;
	fail_beyond(make_it_fail, -1);
	return ret;
}

/* The VM counts as before, and knows how many vCPUs it has. */
static enum verdict check_vm(struct ctx *c, struct vm *vm, uint32_t nr_vcpus)
{
	struct vcpu *v = &vm->vcpus[0];
	struct table before, after;
	struct expected e;
	uint32_t found = read_leaf(v, KVM_EXIT_STATS_CPUID_INSTANCE, 0).ebx;

	if (found != nr_vcpus)
		return fail("%u vCPUs are counted, %u there", found, nr_vcpus);
	read_table(v, c->vendor, &before);
	load_cpuid.run(v, c->iterations);
	read_table(v, c->vendor, &after);
	expect_start(&e, c, &before);
	expect_load(&e, c, &load_cpuid, c->iterations);
	return check_delta(c, &before, &after, &e);
}

enum verdict test_out_of_memory(struct ctx *c, const struct test *test)
{
	const char *error = not_invasive(c);
	int id = 1, clean = 0, survived = 0, n, fd, make_it_fail;
	struct vm *vm;
	bool failed;

	if (access("/proc/self/fail-nth", W_OK))
		return skip("the kernel injects no faults (CONFIG_FAULT_INJECTION)");
	if (!error)
		error = faults_on();
	if (error)
		return skip("%s", error);

	/* One allocation fails, the nth. */
	vm = new_vm(c, VM_IRQCHIP, 1);
	for (n = 1, failed = true; failed && n < MAX_FAULTS; n++) {
		fd = create_vcpu_failing_nth(vm, id, n, &failed);
		if (fd >= 0) {
			id++;
			close(fd);
			/* KVM can do without some; the ids end. */
			survived += failed;
			if (id == MAX_VCPUS) {
				if (check_vm(c, vm, id) == FAIL)
					return FAIL;
				destroy_vm(c);
				vm = new_vm(c, VM_IRQCHIP, 1);
				id = 1;
			}
		} else if (fd == -ENOMEM) {
			clean++;
		} else {
			return fail("KVM_CREATE_VCPU, with its %dth allocation failed: %s", n, strerror(-fd));
		}
	}
	if (failed || !clean)
		return fail("%d allocations failed, and no end", n);
	note("%d allocations failed one by one: %d times no vCPU, %d times one without it", n - 2, clean, survived);
	if (check_vm(c, vm, id) == FAIL)
		return FAIL;

	/* All fail from some point on. */
	destroy_vm(c);
	vm = new_vm(c, VM_IRQCHIP, 1);
	make_it_fail = open("/proc/self/make-it-fail", O_WRONLY | O_CLOEXEC);
	if (make_it_fail < 0 || write_file(FAULTS "failslab/probability", "100"))
		return fail("the kernel injects faults one by one, and not otherwise");
	for (n = 0; n < MAX_BUDGET; n += BUDGET_STEP) {
		fd = create_vcpu_within(vm, 1, make_it_fail, n);
		if (fd >= 0)
			break;
		if (fd != -ENOMEM)
			return fail("KVM_CREATE_VCPU, with %d bytes of memory: %s", n, strerror(-fd));
	}
	close(make_it_fail);
	write_file(FAULTS "failslab/probability", "0");
	if (n >= MAX_BUDGET)
		return fail("KVM_CREATE_VCPU fails also with %d bytes of memory", n);
	close(fd);
	note("below %d bytes of memory there was no vCPU, %d times", n, n / BUDGET_STEP);
	if (check_vm(c, vm, 2) == FAIL)
		return FAIL;
	destroy_vm(c);
	return check_vm(c, new_vm(c, 0, 1), 1);
}
