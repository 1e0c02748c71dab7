// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest-load EXITS: the mixed load of a nested guest, to be run as root in it.
 *
 * A process on each CPU repeats a round of work that exits for many reasons, until the
 * virtual machine has had EXITS exits since it was made, as CPUID(0x4FFFFFFC) counts them;
 * at least one round. It prints a line each five seconds, and what was done at the end.
 *
 * Exit status: 0 done, 1 something went wrong, 2 usage.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <asm/kvm_exit_stats.h>

/* Counts of a round. Most of its exits are of the cheap kinds. */
#define CPUIDS		200
#define HYPERCALLS	100
#define TIMERS		100
#define PCI_READS	20
#define DEVICE_READS	10
#define TRAPS		10
#define SLEEPS		3
#define MESSAGES	5
#define BARRIERS	10
#define FILES		8
#define FILE_SIZE	(64 << 10)
#define MEMORY_SIZE	(1 << 20)

#define PCI_DEVICE	"/sys/bus/pci/devices/0000:00:00.0/config"
/* Where a HPET would be: the guest is started without one. */
#define NO_DEVICE	0xfed00000

#define MAX_CPUS	64

static int cpus[MAX_CPUS], nr_cpus;
static bool amd;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("guest-load: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static uint32_t exits_so_far(void)
{
	unsigned int eax, ebx, ecx, edx;

	__cpuid_count(KVM_EXIT_STATS_CPUID_TOTAL_COUNT, 0, eax, ebx, ecx, edx);
	return eax;
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity to CPU %d: %s", cpu, strerror(errno));
}

static void do_cpuid(void)
{
	unsigned int eax, ebx, ecx, edx, i;

	for (i = 0; i < CPUIDS; i++)
		__cpuid_count(i % 2 ? 0x40000000 : 0, 0, eax, ebx, ecx, edx);
}

/* KVM lets nobody but the guest's kernel call: it answers -KVM_EPERM. */
static void do_hypercalls(void)
{
	int i;

	for (i = 0; i < HYPERCALLS; i++) {
		long answer = 0;

		if (amd)
			__asm__ volatile("vmmcall" : "+a" (answer) : : "memory");
		else
			__asm__ volatile("vmcall" : "+a" (answer) : : "memory");
		if (answer != -EPERM)
			die("a hypercall of user space was answered %ld", answer);
	}
}

/*
 * The kernel reads it with two accesses to ports for each 32 bits. (With access to ports of
 * its own, a process would get no further in TCG: for a guest, that processor takes the type
 * of a task state segment for a wrong one, and refuses what its bitmap allows.)
 */
static void do_ports(int pci_device)
{
	uint32_t id;
	int i;

	for (i = 0; i < PCI_READS; i++)
		if (pread(pci_device, &id, sizeof(id), 0) != sizeof(id))
			die("%s: %s", PCI_DEVICE, strerror(errno));
}

static void do_device_memory(volatile uint32_t *device)
{
	int i;

	for (i = 0; i < DEVICE_READS; i++)
		(void)device[i];
}

/* Each arming writes the TSC deadline's MSR; a sleep longer than the idle loop polls for halts. */
static void do_timers(int timer)
{
	struct itimerspec when = { 0 };
	int i;

	for (i = 0; i < TIMERS; i++) {
		when.it_value.tv_nsec = 200000 + i;
		if (timerfd_settime(timer, 0, &when, NULL))
			die("timerfd_settime: %s", strerror(errno));
	}
	for (i = 0; i < SLEEPS; i++) {
		struct timespec time = { .tv_nsec = 300000 };

		nanosleep(&time, NULL);
	}
}

/* UD2 has two bytes; after a single step TF is still set where the signal goes back to. */
static void skip_trap(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)info;
	if (number == SIGILL)
		registers[REG_RIP] += 2;
	else
		registers[REG_EFL] &= ~0x100;
}

static void do_traps(void)
{
	int i;

	for (i = 0; i < TRAPS; i++) {
		__asm__ volatile("ud2");
		/* Below the red zone. */
		__asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushf\n\torl $0x100, (%%rsp)\n\tpopf\n\t"
			     "nop\n\tlea 128(%%rsp), %%rsp" : : : "memory", "cc");
	}
}

/* The kernel asks each CPU that runs another of us to confirm. */
static void do_barriers(void)
{
	int i;

	for (i = 0; i < BARRIERS; i++)
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0))
			die("membarrier: %s", strerror(errno));
}

static void do_memory(void)
{
	char *memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (memory == MAP_FAILED)
		die("mmap of %d bytes: %s", MEMORY_SIZE, strerror(errno));
	for (i = 0; i < MEMORY_SIZE; i += 4096)
		memory[i] = 1;
	munmap(memory, MEMORY_SIZE);
}

static void do_files(int cpu)
{
	static char bytes[FILE_SIZE], back[FILE_SIZE];
	char name[32];
	int i, fd;

	memset(bytes, cpu + 1, sizeof(bytes));
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "/tmp/load-%d-%d", cpu, i);
		fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, bytes, FILE_SIZE) != FILE_SIZE ||
		    pread(fd, back, FILE_SIZE, 0) != FILE_SIZE)
			die("%s: %s", name, strerror(errno));
		if (memcmp(bytes, back, FILE_SIZE))
			die("%s: read other bytes than were written", name);
		close(fd);
		if (unlink(name))
			die("%s: %s", name, strerror(errno));
	}
}

/* A child on the next CPU sends back what it is sent: each message wakes the other one. */
static void do_messages(int next_cpu)
{
	int to[2], from[2], i, status;
	char byte;
	pid_t child;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		die("pipe2: %s", strerror(errno));
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (!child) {
		close(to[1]);
		run_on(next_cpu);
		while (read(to[0], &byte, 1) == 1)
			if (write(from[1], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	for (i = 0; i < MESSAGES; i++)
		if (write(to[1], "", 1) != 1 || read(from[0], &byte, 1) != 1)
			die("a message to CPU %d was lost", next_cpu);
	close(to[1]);
	close(from[0]);
	if (waitpid(child, &status, 0) != child || status)
		die("the process on CPU %d ended with status %#x", next_cpu, status);
}

static void work(int index, uint32_t exits)
{
	struct sigaction action = { .sa_sigaction = skip_trap, .sa_flags = SA_SIGINFO };
	int cpu = cpus[index], next_cpu = cpus[(index + 1) % nr_cpus];
	volatile uint32_t *device;
	uint64_t rounds = 0;
	uint32_t before, now;
	time_t shown = time(NULL);
	int pci_device, fd, timer;

	run_on(cpu);
	pci_device = open(PCI_DEVICE, O_RDONLY | O_CLOEXEC);
	if (pci_device < 0)
		die("%s: %s", PCI_DEVICE, strerror(errno));
	fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd < 0)
		die("/dev/mem: %s", strerror(errno));
	device = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, NO_DEVICE);
	if (device == MAP_FAILED)
		die("/dev/mem at %#x: %s", NO_DEVICE, strerror(errno));
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timer < 0)
		die("timerfd_create: %s", strerror(errno));
	if (sigaction(SIGILL, &action, NULL) || sigaction(SIGTRAP, &action, NULL))
		die("sigaction: %s", strerror(errno));
	if (prctl(PR_SET_TIMERSLACK, 1))
		die("prctl(PR_SET_TIMERSLACK): %s", strerror(errno));
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0))
		die("membarrier: %s", strerror(errno));

	now = exits_so_far();
	do {
		before = now;
		do_cpuid();
		do_hypercalls();
		do_ports(pci_device);
		do_device_memory(device);
		do_timers(timer);
		do_traps();
		do_barriers();
		do_memory();
		do_files(cpu);
		do_messages(next_cpu);
		rounds++;
		now = exits_so_far();
		if (now - before < CPUIDS)
			die("CPUID(%#x) grew by %" PRIu32 " in a round with %d CPUIDs", KVM_EXIT_STATS_CPUID_TOTAL_COUNT,
			    now - before, CPUIDS);
		if (index == 0 && now < exits && time(NULL) - shown >= 5) {
			printf("guest-load: %" PRIu32 " exits, %" PRIu32 " %%\n", now,
			       (uint32_t)(now * 100ull / exits));
			fflush(stdout);
			shown = time(NULL);
		}
	} while (now < exits);
	printf("guest-load: CPU %d: %" PRIu64 " rounds\n", cpu, rounds);
}

int main(int argc, char **argv)
{
	unsigned int eax, ebx, ecx, edx;
	unsigned long exits;
	bool failed = false;
	cpu_set_t set;
	char *end;
	int i;

	if (argc != 2) {
		fputs("usage: guest-load EXITS\n", stderr);
		return 2;
	}
	exits = strtoul(argv[1], &end, 10);
	if (*end || argv[1][0] < '0' || argv[1][0] > '9' || exits > 4000000000) {
		fprintf(stderr, "guest-load: \"%s\" is no number from 0 to 4000000000\n", argv[1]);
		return 2;
	}
	__cpuid(0, eax, ebx, ecx, edx);
	amd = ebx == signature_AMD_ebx;
	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity: %s", strerror(errno));
	for (i = 0; i < CPU_SETSIZE && nr_cpus < MAX_CPUS; i++)
		if (CPU_ISSET(i, &set))
			cpus[nr_cpus++] = i;
	for (i = 0; i < nr_cpus; i++) {
		pid_t child = fork();

		if (child < 0)
			die("fork: %s", strerror(errno));
		if (!child) {
			work(i, exits);
			exit(0);
		}
	}
	for (i = 0; i < nr_cpus; i++) {
		int status;
		pid_t child = wait(&status);

		if (child < 0)
			die("wait: %s", strerror(errno));
		if (WIFSIGNALED(status))
			fprintf(stderr, "guest-load: a process was ended by signal %d\n", WTERMSIG(status));
		failed |= status != 0;
	}
	if (failed)
		die("not all of %d processes did their work", nr_cpus);
	printf("guest-load: %" PRIu32 " exits since the virtual machine was made\n", exits_so_far());
	return 0;
}
