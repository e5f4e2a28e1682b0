/* SPDX-License-Identifier: MIT */
/*
 * Whole command lines: those of the programs that drive QEMU (kernel test suites, Zephyr, xv6,
 * build systems) must be understood, and what is wrong or not supported must be named. Random lines
 * must end in an error or a result.
 */
#include "hw/options.h"
#include "tests/unit.h"
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS    64
#define RANDOM_LINES 20000

struct line {
    char text[2048];
    char *argv[MAX_WORDS + 1];
    int argc;
};

/* Words are separated by spaces; "_" inside one stands for a space. */
static void split(struct line *l, const char *text)
{
    snprintf(l->text, sizeof(l->text), "manyhart %s", text);
    l->argc = 0;
    for (char *word = strtok(l->text, " "); word && l->argc < MAX_WORDS; word = strtok(NULL, " ")) {
        for (char *c = word; *c; c++) {
            *c = *c == '_' ? ' ' : *c;
        }
        l->argv[l->argc++] = word;
    }
}

static int parse(struct options *o, struct line *l, const char *text, struct err *err)
{
    FILE *sink = fopen("/dev/null", "w");
    int code;

    split(l, text);
    err->text[0] = '\0';
    code = options_parse(o, l->argc, l->argv, sink, err);
    fclose(sink);
    return code;
}

static void command_lines_of_known_clients_are_understood(struct unit *u)
{
    static const char *const lines[] = {
        "",
        "-nodefaults -nographic -serial mon:stdio -machine virt -accel tcg -cpu max -kernel "
        "x.flat -smp 2 -append "
        "a_b -initrd env -m 256",
        "-nodefaults -m 1024 -kernel Image -append console=ttyS0 -no-reboot -nographic -serial "
        "stdio -machine virt "
        "-cpu rv64 -bios /usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
        "-M virt -m 1G -append console=ttyS0 -display none -no-reboot -kernel Image -serial stdio",
        "-nodefaults -nographic -smp 4 -cpu rv64 -machine virt -m 256M -serial stdio -serial "
        "file:/tmp/x -no-reboot "
        "-monitor none -kernel Image",
        "-nodefaults -display none -serial mon:stdio -smp 8 -m 4G -drive "
        "file=x,format=raw,index=1,media=disk,if=virtio,cache=none -kernel Image -append x",
        "-M virt -m 256M -nographic -bios fw_jump.bin -kernel u-boot.bin -drive "
        "file=x,format=raw,id=hd0 -device "
        "virtio-blk-device,drive=hd0 -append x",
        "-machine virt -bios none -m 256 -cpu rv64 -nographic -net none -pidfile qemu.pid -chardev "
        "stdio,id=con,mux=on -serial chardev:con -mon chardev=con,mode=readline -smp cpus=2 "
        "-kernel zephyr.elf",
        "-machine virt -bios none -kernel K -m 128M -smp 3 -nographic -global "
        "virtio-mmio.force-legacy=false -drive "
        "file=fs.img,if=none,format=raw,id=x0 -device "
        "virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0",
        "-machine virt -bios default -parallel none -net none -echr 1 -m 1G -smp 2 -vga none "
        "-display none "
        "-no-reboot -kernel I -append x -initrd y -chardev stdio,id=console,signal=off,mux=on "
        "-serial "
        "chardev:console -mon chardev=console",
        "-bios spl/u-boot-spl -device loader,file=u-boot.itb,addr=0x80200000",
        "-machine virt -machine acpi=off -machine dumpdtb=x -blockdev "
        "node-name=d,driver=file,read-only=on,filename=F -device virtio-blk-device,drive=d",
        "--machine virt --smp sockets=1,cores=2,threads=2,maxcpus=4 --m size=2G --nographic",
        "-blockdev driver=file,filename=x,node-name=f -blockdev driver=raw,file=f,node-name=r "
        "-device "
        "virtio-blk-device,drive=r,serial=s,num-queues=4",
    };

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct options o;
        struct line l;
        struct err err;

        if (parse(&o, &l, lines[i], &err) != 0) {
            printf("# %s: %s\n", lines[i], err.text);
            CHECK(u, !"understood");
        }
        options_free(&o);
    }
}

static const struct bad_line {
    const char *line, *expect;
} bad_lines[] = {
    {"-frob", "unknown or unsupported option '-frob'"},
    {"stray", "unexpected argument 'stray'"},
    {"-kernel", "option '-kernel' needs an argument"},
    {"-smp 0", "SMP CPUs"},
    {"-smp 513", "(512)"},
    {"-smp many", "'many'"},
    {"-smp 2,frob=1", "'frob'"},
    {"-smp 3,sockets=2,cores=2,threads=1", "does not match"},
    {"-m lots", "'lots'"},
    {"-m 0", "-m: '0'"},
    {"-m 1P", "-m: '1P'"},
    {"-M spike", "'spike'"},
    {"-M virt,frob=on", "'frob'"},
    {"-M virt,aclint=on", "'aclint=on'"},
    {"-M virt,acpi=on", "'acpi'"},
    {"-M virt,accel=kvm", "'kvm'"},
    {"-accel kvm", "'kvm'"},
    {"-cpu frob", "frob"},
    {"-append x", "-append is only allowed with -kernel"},
    {"-initrd x", "-initrd is only allowed with -kernel"},
    {"-display gtk", "'gtk'"},
    {"-netdev user,id=n", "'-netdev'"},
    {"-net user", "'user'"},
    {"-drive format=raw", "file= is missing"},
    {"-drive file=x,format=qcow2", "'format'"},
    {"-drive file=x,if=scsi", "'if'"},
    {"-drive file=x,cache=maybe", "'cache'"},
    {"-drive file=x,frob=1", "'frob'"},
    {"-drive file=x,id=a,if=none -drive file=y,id=a,if=none", "two drives named 'a'"},
    {"-drive file=x,id=a,if=virtio -device virtio-blk-device,drive=a", "already in use"},
    {"-device virtio-blk-device", "drive= is missing"},
    {"-device virtio-blk-device,drive=a", "no drive 'a'"},
    {"-drive file=x,id=a,if=none -device virtio-blk-device,drive=a,bus=pci.0", "no bus 'pci.0'"},
    {"-drive file=x,id=a,if=none -device virtio-blk-device,drive=a,num-queues=65", "'num-queues'"},
    {"-drive file=x,id=a,if=none -device virtio-blk-device,drive=a,frob=1", "'frob'"},
    {"-device virtio-net-device", "'virtio-net-device'"},
    {"-device {\"driver\":\"loader\"}", "JSON"},
    {"-device loader", "needs file="},
    {"-device loader,file=x,cpu-num=0", "'cpu-num'"},
    {"-global virtio-mmio.frob=1", "virtio-mmio.frob"},
    {"-serial stdio -monitor stdio", "stdio has two users"},
    {"-serial mon:stdio -monitor stdio", "stdio has two users"},
    {"-serial chardev:x", "no chardev 'x'"},
    {"-chardev socket,id=x", "needs path="},
    {"-chardev frob,id=x", "'frob'"},
    {"-mon chardev=x,mode=control", "'mode'"},
    {"-echr 300", "'300'"},
    {"-rtc base=localtime", "'base'"},
    {"-d frob", "frob"},
};

static void what_is_wrong_or_not_supported_is_named(struct unit *u)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad_lines); i++) {
        struct options o;
        struct line l;
        struct err err;
        int code = parse(&o, &l, bad_lines[i].line, &err);

        if (code >= 0 || !strstr(err.text, bad_lines[i].expect) || strchr(err.text, '\n')) {
            printf("# %s: %d %s\n", bad_lines[i].line, code, err.text);
            CHECK(u, !"named");
        }
        options_free(&o);
    }
}

static void help_and_lists_end_the_program_well(struct unit *u)
{
    static const char *const lines[] = {"-h",           "--help",        "-version",  "--version",
                                        "-M ?",         "-machine help", "-cpu help", "-d help",
                                        "-device help", "-accel help"};

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct options o;
        struct line l;
        struct err err;

        CHECK_EQ(u, parse(&o, &l, lines[i], &err), 1);
        options_free(&o);
    }
}

static void repeated_machine_options_merge(struct unit *u)
{
    struct options o;
    struct line l;
    struct err err;

    CHECK_EQ(u, parse(&o, &l, "-M virt,dumpdtb=a -machine acpi=off -machine dumpdtb=b", &err), 0);
    CHECK(u, strcmp(o.dumpdtb, "b") == 0);
    options_free(&o);
}

static void disks_take_slots_from_the_highest_down(struct unit *u)
{
    struct options o;
    struct line l;
    struct err err;

    CHECK_EQ(
        u,
        parse(
            &o, &l,
            "-drive file=a,format=raw -drive file=b,if=none,id=b -device virtio-blk-device,drive=b,"
            "bus=virtio-mmio-bus.7 -drive file=c,if=virtio -drive file=d,if=none",
            &err),
        0);
    CHECK_EQ(u, o.nblks, 3);
    CHECK(u, o.blks[0].slot == 7 && strcmp(o.blks[0].drive->file, "b") == 0);
    CHECK(u, o.blks[1].slot == 6 && strcmp(o.blks[1].drive->file, "a") == 0);
    CHECK(u, o.blks[2].slot == 5 && strcmp(o.blks[2].drive->file, "c") == 0);
    options_free(&o);
    CHECK(
        u,
        parse(&o, &l,
              "-drive file=a -drive file=a -drive file=a -drive file=a -drive file=a -drive file=a "
              "-drive file=a "
              "-drive file=a -drive file=a",
              &err) < 0);
    options_free(&o);
}

static const struct console_line {
    const char *line, *serial, *monitor;
} console_lines[] = {
    {"", "mon:stdio", NULL},
    {"-nographic", "mon:stdio", NULL},
    {"-nographic -monitor none", "stdio", NULL},
    {"-nographic -serial null", "null", "stdio"},
    {"-display none", NULL, NULL},
    {"-display none -serial stdio", "stdio", NULL},
    {"-display none -monitor stdio", NULL, "stdio"},
    {"-nodefaults -nographic", NULL, NULL},
    {"-nodefaults -nographic -serial mon:stdio", "mon:stdio", NULL},
    {"-chardev stdio,id=c,mux=on -serial chardev:c -mon chardev=c", "mon:stdio", NULL},
    {"-chardev socket,id=c,path=/p,server=on,wait=off -serial chardev:c -monitor none",
     "unix:/p,server,wait=off", NULL},
    {"-serial vc -monitor vc:80Cx24C", "null", "null"},
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void the_terminal_goes_to_whom_qemu_gives_it(struct unit *u)
{
    for (size_t i = 0; i < ARRAY_SIZE(console_lines); i++) {
        struct options o;
        struct line l;
        struct err err;

        CHECK_EQ(u, parse(&o, &l, console_lines[i].line, &err), 0);
        if (!same(o.nserials ? o.serials[0] : NULL, console_lines[i].serial) ||
            !same(o.monitor, console_lines[i].monitor)) {
            printf("# %s: serial %s, monitor %s\n", console_lines[i].line,
                   o.nserials ? o.serials[0] : "-", o.monitor ? o.monitor : "-");
            CHECK(u, !"as QEMU");
        }
        options_free(&o);
    }
}

static void memory_and_harts_are_what_was_said(struct unit *u)
{
    struct options o;
    struct line l;
    struct err err;

    CHECK_EQ(u, parse(&o, &l, "", &err), 0);
    CHECK_EQ(u, o.nharts, 1);
    CHECK_EQ(u, o.ram_size, UINT64_C(128) << 20);
    CHECK(u, o.force_legacy);
    options_free(&o);
    CHECK_EQ(
        u,
        parse(&o, &l, "-smp sockets=2,cores=3 -m 1.5G -global virtio-mmio.force-legacy=off", &err),
        0);
    CHECK_EQ(u, o.nharts, 6);
    CHECK_EQ(u, o.ram_size, UINT64_C(1536) << 20);
    CHECK(u, !o.force_legacy);
    options_free(&o);
}

static void the_engine_is_told_what_to_count_and_to_name(struct unit *u)
{
    struct options o;
    struct line l;
    struct err err;

    CHECK_EQ(u, parse(&o, &l, "-d int", &err), 0);
    CHECK(u, !o.accel.perf_map && !o.accel.count_calls);
    options_free(&o);
    CHECK_EQ(u, parse(&o, &l, "-perfmap -d int,stats", &err), 0);
    CHECK(u, o.accel.perf_map && o.accel.count_calls);
    options_free(&o);
}

/* Words that options are made of, thrown together. */
static void random_command_lines_are_survived(struct unit *u)
{
    static const char *const words[] = {
        "-M",
        "-smp",
        "-m",
        "-drive",
        "-device",
        "-serial",
        "-monitor",
        "-chardev",
        "-mon",
        "-append",
        "-global",
        "-accel",
        "-cpu",
        "-blockdev",
        "-name",
        "-rtc",
        "-d",
        "-echr",
        "virt",
        "file=x",
        "id=a",
        "if=none,file=y,id=a",
        "virtio-blk-device,drive=a",
        "loader,file=x",
        ",",
        ",,",
        "=",
        "=,=",
        "a=b,c",
        "-",
        "--",
        "stdio,id=c",
        "chardev:c",
        "chardev=c",
        "mon:stdio",
        "1",
        "-1",
        "9999999999999999999999",
        "tcg",
        "tcg,",
        "rv64",
        "{",
        "help",
        "socket,id=s,path=,server",
        "null",
        "null,id=",
        "driver=raw,file=a,node-name=a",
        "x=y",
    };
    unsigned seed = 12345;

    for (unsigned i = 0; i < RANDOM_LINES; i++) {
        unsigned n = 1 + (unsigned)rand_r(&seed) % 8;
        size_t len = 0;
        char text[1024] = "";
        struct options o;
        struct line l;
        struct err err;
        int code;

        while (n-- > 0) {
            const char *word = words[(unsigned)rand_r(&seed) % ARRAY_SIZE(words)];

            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ", word);
        }
        code = parse(&o, &l, text, &err);
        CHECK(u, code >= 0 || err.text[0]);
        options_free(&o);
    }
}

int main(void)
{
    static const struct unit_case cases[] = {
        UNIT(command_lines_of_known_clients_are_understood),
        UNIT(what_is_wrong_or_not_supported_is_named),
        UNIT(help_and_lists_end_the_program_well),
        UNIT(repeated_machine_options_merge),
        UNIT(disks_take_slots_from_the_highest_down),
        UNIT(the_terminal_goes_to_whom_qemu_gives_it),
        UNIT(memory_and_harts_are_what_was_said),
        UNIT(the_engine_is_told_what_to_count_and_to_name),
        UNIT(random_command_lines_are_survived),
    };

    return unit_run(cases, ARRAY_SIZE(cases));
}
