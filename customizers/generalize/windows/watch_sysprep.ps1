# Ends a deprovisioning script that waits for a sysprep which has failed: such scripts look for
# nothing but success.
param(
  # The process that runs the script.
  [Parameter(Mandatory = $true)][int] $Watched,
  # Seconds without a sysprep before it counts as failed: a script may start it twice.
  [int] $Patience = 60
)

$log = "$Env:SystemRoot\System32\Sysprep\Panther\setupact.log"
$state = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State'
$start = Get-Date
$quiet = 0
while (Get-Process -Id $Watched -ErrorAction SilentlyContinue) {
  Start-Sleep -Seconds 5
  $running = Get-Process -Name sysprep -ErrorAction SilentlyContinue
  $written = Get-Item -LiteralPath $log -ErrorAction SilentlyContinue
  $ran = $written -and $written.LastWriteTime -ge $start
  $sealed = (Get-ItemProperty -LiteralPath $state).ImageState -eq 'IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE'
  if ($running -or $sealed -or -not $ran) {
    $quiet = 0
    continue
  }
  $quiet += 5
  if ($quiet -ge $Patience) { Stop-Process -Id $Watched -Force }
}
