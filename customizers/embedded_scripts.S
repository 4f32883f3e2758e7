// Programs for Windows, as data of the library. The assembler finds them from the root of the sources.
        .section .rodata
        .globl kiln_windows_update_begin
        .hidden kiln_windows_update_begin
        .globl kiln_windows_update_end
        .hidden kiln_windows_update_end
kiln_windows_update_begin:
        .incbin "customizers/windows_update/windows_update.ps1"
kiln_windows_update_end:
        .globl kiln_windows_deprovisioning_begin
        .hidden kiln_windows_deprovisioning_begin
        .globl kiln_windows_deprovisioning_end
        .hidden kiln_windows_deprovisioning_end
kiln_windows_deprovisioning_begin:
        .incbin "customizers/generalize/windows/deprovisioning_script.ps1"
kiln_windows_deprovisioning_end:
        .globl kiln_watch_sysprep_begin
        .hidden kiln_watch_sysprep_begin
        .globl kiln_watch_sysprep_end
        .hidden kiln_watch_sysprep_end
kiln_watch_sysprep_begin:
        .incbin "customizers/generalize/windows/watch_sysprep.ps1"
kiln_watch_sysprep_end:
        .section .note.GNU-stack, "", %progbits
