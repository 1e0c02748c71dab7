// SPDX-License-Identifier: GPL-2.0-or-later
#include "source.h"	/* first: it refuses other architectures */

#include <cpuid.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static sigjmp_buf fault_return;
static volatile sig_atomic_t fault_expected;

static void on_fault(int sig)
{
	if (fault_expected) {
		fault_expected = 0;
		siglongjmp(fault_return, 1);
	}
	/* Not ours: a bug.  Back to where it faults again, this time for real. */
	signal(sig, SIG_DFL);
}

bool runs_without_fault(void (*fn)(void *arg), void *arg)
{
	/*
	 * SA_NODEFER leaves the signal mask alone, so that nothing has to be
	 * saved and restored around each CPUID.
	 */
	struct sigaction catch = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct sigaction before;
	bool ok;

	sigemptyset(&catch.sa_mask);
	sigaction(SIGSEGV, &catch, &before);
	if (sigsetjmp(fault_return, 0)) {
		ok = false;
	} else {
		fault_expected = 1;
		fn(arg);
		fault_expected = 0;
		ok = true;
	}
	sigaction(SIGSEGV, &before, NULL);
	return ok;
}

struct cpuid_call {
	uint32_t leaf;
	uint32_t subleaf;
	struct cpuid_regs regs;
};

static void execute_cpuid(void *arg)
{
	struct cpuid_call *call = arg;

	/* __get_cpuid() would refuse leaves above the highest basic leaf. */
	__cpuid_count(call->leaf, call->subleaf, call->regs.eax,
		      call->regs.ebx, call->regs.ecx, call->regs.edx);
}

static int read_cpu(struct source *src, uint32_t leaf, uint32_t subleaf,
		    struct cpuid_regs *regs)
{
	struct cpuid_call call = { .leaf = leaf, .subleaf = subleaf };

	(void)src;
	if (!runs_without_fault(execute_cpuid, &call))
		return -EACCES;
	*regs = call.regs;
	return 0;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec now;

	return clock_gettime(id, &now) ? 0 : now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

static int begin_now(struct source *src)
{
	src->stamp = (struct stamp){ clock_ns(CLOCK_REALTIME), clock_ns(CLOCK_BOOTTIME) };
	return 0;
}

void source_open_cpu(struct source *src)
{
	*src = (struct source){ .read = read_cpu, .begin = begin_now, .fd = -1 };
}

static int read_device(struct source *src, uint32_t leaf, uint32_t subleaf,
		       struct cpuid_regs *regs)
{
	/* The device takes the subleaf in the upper half of the offset, which is signed. */
	if (subleaf > INT32_MAX)
		return -ERANGE;
	if (pread(src->fd, regs, sizeof(*regs), (off_t)subleaf << 32 | leaf) == sizeof(*regs))
		return 0;
	warn("cannot read '/dev/cpu/%u/cpuid'", src->cpu);
	return -EIO;
}

#define DEVICE_PATH_SIZE	sizeof("/dev/cpu/4294967295/cpuid")

static int open_device(unsigned int cpu, char path[DEVICE_PATH_SIZE])
{
	snprintf(path, DEVICE_PATH_SIZE, "/dev/cpu/%u/cpuid", cpu);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Another CPU's device would have the kernel interrupt that CPU: the one that this runs on by now. */
static int begin_device(struct source *src)
{
	char path[DEVICE_PATH_SIZE];
	unsigned int cpu;

	/* Not sched_getcpu(), which wants _GNU_SOURCE. */
	if (!syscall(SYS_getcpu, &cpu, NULL, NULL) && cpu != src->cpu) {
		int fd = open_device(cpu, path);

		if (fd >= 0) {
			close(src->fd);
			src->fd = fd;
			src->cpu = cpu;
		}
	}
	return begin_now(src);
}

int source_open_device(struct source *src)
{
	char path[DEVICE_PATH_SIZE];

	*src = (struct source){ .read = read_device, .begin = begin_device };
	/* CPU 0 is there always. */
	if (syscall(SYS_getcpu, &src->cpu, NULL, NULL))
		src->cpu = 0;
	src->fd = open_device(src->cpu, path);
	if (src->fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENXIO)
		warnx("there is no '%s': as root, load the kernel's module with 'modprobe cpuid'", path);
	else
		warn("cannot open '%s', which needs root's privileges", path);
	return -1;
}

static int read_file(struct source *src, uint32_t leaf, uint32_t subleaf,
		     struct cpuid_regs *regs)
{
	const struct answer *found = answers_find(&src->answers, leaf, subleaf);

	if (!found) {
		warnx("'%s' has no answer for leaf %08x, subleaf %08x; record it again with --dump",
		      src->reader.path, leaf, subleaf);
		return -ENODATA;
	}
	*regs = found->regs;
	return 0;
}

static int begin_file(struct source *src)
{
	int got;

	if (src->first_read) {
		src->first_read = false;
		return 0;
	}
	got = reader_next(&src->reader, &src->answers, &src->stamp);
	return got < 0 ? -ENODATA : !got;
}

int source_open_file(struct source *src, const char *path)
{
	return source_open_stream(src, fopen(path, "re"), path);
}

int source_open_stream(struct source *src, FILE *file, const char *path)
{
	*src = (struct source){ .read = read_file, .begin = begin_file, .fd = -1 };
	if (reader_open(&src->reader, file, path))
		return -1;
	/* The first one now: a file that is none is told before anything else happens. */
	if (begin_file(src)) {
		source_close(src);
		return -1;
	}
	src->first_read = true;
	return 0;
}

static int read_recording(struct source *src, uint32_t leaf, uint32_t subleaf,
			  struct cpuid_regs *regs)
{
	int err = source_read(src->inner, leaf, subleaf, regs);

	if (err)
		return err;
	/*
	 * The last answer stays: a table that was dropped and read again must
	 * not leave half of its first reading in the file.
	 */
	return answers_set(&src->answers, leaf, subleaf, regs);
}

static int begin_recording(struct source *src)
{
	int err = source_begin(src->inner);

	src->stamp = src->inner->stamp;
	return err;
}

static int end_recording(struct source *src, bool keep)
{
	int err = source_end(src->inner, keep);

	/* What is not kept stays fresh: the next reading has to write it. */
	if (!err && keep && writer_add(&src->writer, &src->answers, &src->stamp))
		err = -EIO;
	return err;
}

int source_open_recording(struct source *src, struct source *inner, const char *path)
{
	*src = (struct source){
		.read = read_recording, .begin = begin_recording, .end = end_recording,
		.inner = inner, .fd = -1,
	};
	return writer_open(&src->writer, path);
}

int source_close(struct source *src)
{
	int ret = src->inner ? writer_close(&src->writer) : 0;

	reader_close(&src->reader);
	answers_free(&src->answers);
	if (src->fd >= 0)
		close(src->fd);
	return ret;
}
