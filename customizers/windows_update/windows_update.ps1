# One round of updates. It searches, or takes the packages of the disc UPDATES where that is
# attached; installs what it chose; and writes what happened to a report. Kiln calls it again, after
# restarts, until a round finds nothing.
param(
  [Parameter(Mandatory = $true)][string] $Report,
  [string] $SearchCriteria = 'BrowseOnly=0 and IsInstalled=0',
  [string[]] $Filters = @('include:$true'),
  [int] $UpdateLimit = 1000,
  # Packages of the disc that earlier rounds have settled.
  [string[]] $Settled = @()
)

$ErrorActionPreference = 'Stop'
$script:restart = $false

function Test-PendingRestart {
  $current = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion'
  $keys = @(
    "$current\WindowsUpdate\Auto Update\RebootRequired",
    "$current\Component Based Servicing\RebootPending",
    "$current\Component Based Servicing\PackagesPending"
  )
  foreach ($key in $keys) {
    if (Test-Path -LiteralPath $key) { return $true }
  }
  return $false
}

# The servicing stack works on after an installation has ended; another one then fails.
function Wait-Servicing {
  for ($waited = 0; $waited -lt 600; $waited += 5) {
    if (-not (Get-Process -Name TiWorker -ErrorAction SilentlyContinue)) { return }
    Start-Sleep -Seconds 5
  }
}

function New-Attempt([string] $Id, [string] $Title, [string] $Outcome, [int] $Code) {
  Write-Host ('{0}: {1}' -f $Outcome, $Title)
  return @{ id = $Id; title = $Title; outcome = $Outcome; code = $Code }
}

function Find-Update($Session) {
  $searcher = $Session.CreateUpdateSearcher()
  for ($try = 1; $true; $try += 1) {
    try {
      return @($searcher.Search($SearchCriteria).Updates)
    } catch {
      if ($try -ge 5) { throw }
      Write-Host ('the search failed and is tried again: {0}' -f $_.Exception.Message)
      Start-Sleep -Seconds 30
    }
  }
}

# The first filter that holds decides; what none holds for is not installed.
function Test-Wanted($Update) {
  foreach ($filter in $Filters) {
    $action, $expression = $filter -split ':', 2
    $action = $action.Trim()
    if ($action -ne 'include' -and $action -ne 'exclude') { continue }
    $condition = [scriptblock]::Create($expression)
    if ($Update | Where-Object $condition) { return $action -eq 'include' }
  }
  return $false
}

function Select-Update($Updates) {
  $chosen = @()
  foreach ($update in $Updates) {
    if ($update.InstallationBehavior.CanRequestUserInput) {
      Write-Host ('left out, for it may ask questions: {0}' -f $update.Title)
      continue
    }
    if (-not (Test-Wanted $update)) { continue }
    # 2 is iiRequiresExclusiveHandling: such an update must be alone.
    if ($update.InstallationBehavior.Impact -eq 2) {
      if ($chosen.Count -gt 0) { continue }
      $script:restart = $true
      return @($update)
    }
    if ($chosen.Count -ge $UpdateLimit) {
      $script:restart = $true
      break
    }
    $chosen += $update
  }
  return $chosen
}

# The code of the download; 0 where all is there.
function Save-Update($Session, $Updates) {
  $missing = New-Object -ComObject Microsoft.Update.UpdateColl
  foreach ($update in $Updates) {
    if (-not $update.EulaAccepted) { $update.AcceptEula() }
    if (-not $update.IsDownloaded) { [void]$missing.Add($update) }
  }
  if ($missing.Count -eq 0) { return 0 }
  $downloader = $Session.CreateUpdateDownloader()
  $downloader.Updates = $missing
  return $downloader.Download().HResult
}

function Install-Update($Session, $Updates) {
  $downloadCode = Save-Update $Session $Updates
  $ready = New-Object -ComObject Microsoft.Update.UpdateColl
  foreach ($update in $Updates) {
    if ($update.IsDownloaded) {
      [void]$ready.Add($update)
    } else {
      New-Attempt $update.Identity.UpdateID $update.Title 'failed' $downloadCode
    }
  }
  if ($ready.Count -eq 0) { return }
  $installer = $Session.CreateUpdateInstaller()
  $installer.Updates = $ready
  $installer.ForceQuiet = $true
  $result = $installer.Install()
  if ($result.RebootRequired) { $script:restart = $true }
  for ($i = 0; $i -lt $ready.Count; $i += 1) {
    $update = $ready.Item($i)
    $one = $result.GetUpdateResult($i)
    # 2 and 3 are orcSucceeded and orcSucceededWithErrors.
    $outcome = 'failed'
    if ($one.ResultCode -eq 2 -or $one.ResultCode -eq 3) { $outcome = 'installed' }
    New-Attempt $update.Identity.UpdateID $update.Title $outcome $one.HResult
  }
}

# A restart that is outstanding, or another installation: WU_E_INSTALL_NOT_ALLOWED, 0x80240016.
function Install-FromAgent {
  $session = New-Object -ComObject Microsoft.Update.Session
  $session.ClientApplicationID = 'Kiln'
  $chosen = @(Select-Update (Find-Update $session))
  if ($chosen.Count -eq 0) { return }
  try {
    Install-Update $session $chosen
  } catch [System.Runtime.InteropServices.COMException] {
    if ($_.Exception.ErrorCode -ne -2145124330) { throw }
    $script:restart = $true
  }
}

function Get-Package($Drive) {
  Get-ChildItem -LiteralPath "$Drive\" -Recurse -File |
    Where-Object { $_.Extension -eq '.msu' -or $_.Extension -eq '.cab' } |
    Where-Object { $Settled -notcontains $_.FullName.Substring(3) } |
    Sort-Object -Property FullName
}

# DISM takes .msu files into a running system from Windows 11 on; before that wusa does.
function Install-Package($File) {
  $system = "$Env:SystemRoot\System32"
  $quoted = '"{0}"' -f $File.FullName
  $program = "$system\Dism.exe"
  $arguments = "/Online /Add-Package /PackagePath:$quoted /Quiet /NoRestart"
  if ($File.Extension -eq '.msu' -and [Environment]::OSVersion.Version.Build -lt 22000) {
    $program = "$system\wusa.exe"
    $arguments = "$quoted /quiet /norestart"
  }
  $process = Start-Process -FilePath $program -ArgumentList $arguments -Wait -PassThru -NoNewWindow
  return $process.ExitCode
}

function Install-FromDisc($Drive) {
  # 3010, and WU_S_REBOOT_REQUIRED of wusa.
  $needRestart = @(3010, 2359301)
  # Already there, or not for this system: of wusa 0x240006 and 0x80240017, of DISM 0x800F081E.
  $needNothing = @(2359302, -2145124329, -2146498530)
  $packages = @(Get-Package $Drive)
  if ($packages.Count -gt $UpdateLimit) { $script:restart = $true }
  foreach ($package in ($packages | Select-Object -First $UpdateLimit)) {
    $code = Install-Package $package
    $outcome = 'failed'
    if ($code -eq 0 -or $needRestart -contains $code) { $outcome = 'installed' }
    if ($needNothing -contains $code) { $outcome = 'skipped' }
    if ($needRestart -contains $code) { $script:restart = $true }
    New-Attempt $package.FullName.Substring(3) $package.Name $outcome $code
  }
}

$attempts = @()
$disc = Get-CimInstance -ClassName Win32_Volume -Filter "DriveType = 5 and Label = 'UPDATES'" |
  Where-Object { $_.DriveLetter } | Select-Object -First 1
Wait-Servicing
if (Test-PendingRestart) {
  $script:restart = $true
} elseif ($disc) {
  $attempts = @(Install-FromDisc $disc.DriveLetter)
} else {
  $attempts = @(Install-FromAgent)
}
if (Test-PendingRestart) { $script:restart = $true }
$text = @{
  disc = [bool]$disc
  restart = $script:restart
  updates = $attempts
} | ConvertTo-Json -Depth 4
[System.IO.File]::WriteAllText($Report, $text)
exit 0
